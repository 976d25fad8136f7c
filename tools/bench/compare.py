"""What has changed since an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, isnan, log

from tools.bench.results import Results
from tools.bench.tables import milliseconds, table


def compare(now: Results, then: Results) -> str:
    """Markdown: for each case and contestant in both runs how many times as fast it is, by the clock and as a fraction
    of the machine's matrix product, which leaves out how busy the machine was; and the geometric mean of each."""
    earlier = {timed.case: timed for timed in then.timed}
    rows: list[list[str]] = []
    gains: dict[str, list[float]] = {}
    for timed in now.timed:
        before = earlier.get(timed.case)
        if before is None:
            continue
        for name in timed.entries:
            faster = before.seconds(name) / timed.seconds(name)
            gain = timed.fraction(name) / before.fraction(name)
            if isnan(gain):
                continue
            gains.setdefault(name, []).append(gain)
            rows.append([str(timed.case), name, milliseconds(before.seconds(name)), milliseconds(timed.seconds(name)),
                         f"{faster:.2f}", f"{gain:.2f}"])
    if not rows:
        return "## Since the earlier run\n\nThe two runs have no case in common.\n"
    means = [[name, str(len(values)), f"{_mean(values):.2f}"] for name, values in gains.items()]
    return "\n\n".join([
        "## Since the earlier run",
        table(["contestant", "cases", "times as fast, by fraction"], means),
        table(["case", "contestant", "ms then", "ms now", "times as fast", "by fraction"], rows),
    ]) + "\n"


def _mean(ratios: Sequence[float]) -> float:
    return exp(sum(map(log, ratios)) / len(ratios))
