"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isnan
from typing import Any

from tools.bench.cases import BACKWARD, FORWARD, TRAIN
from tools.bench.results import Entry, Results, Timed

TITLES = {FORWARD: "Forward", BACKWARD: "Forward and backward", TRAIN: "Training: forward, backward, update"}
GROWTH = {"batch": "the batch", "size": "the size of the images", "depth": "the depth"}
CLOSE = 1e-4


def markdown(results: Results) -> str:
    """Everything that was found, as a page."""
    parts = ["# Benchmark", _machine(results)]
    contestants = results.contestants()
    for mode, title in TITLES.items():
        timed = [t for t in results.group("nets") if t.case.mode == mode]
        parts += _section(f"## {title}, ms (fraction of the matrix product)", timed, contestants, _time)
    nets = results.group("nets")
    parts += _section("## From start to first iteration, s (kernels compiled before)", nets, contestants,
                      lambda t, name: _number(t.entries[name].first, 2))
    parts += _section("## Most memory held, MB", nets, contestants, _memory)
    for group, what in GROWTH.items():
        parts += _section(f"## Growing with {what}: ms (fraction), MB", results.group(group), contestants,
                          lambda t, name: f"{_time(t, name)}, {_memory(t, name)}")
    if results.start:
        parts += ["## Start, s", table(["program", "no kernels compiled", "compiled"], (
            [row["program"], _number(row["cold"], 2), _number(row["warm"], 2)] for row in results.start))]
    if results.data:
        parts += ["## Data, records/s", table(
            ["records", "read alone", "net that trains", "training on them", "on a batch in memory"],
            ([row["records"], f"{row['alone']:,.0f}", f"{row['net']}, batch {row['batch']}",
              f"{row['training']:,.0f}", f"{row['given']:,.0f}"] for row in results.data))]
    parts += _notes(results)
    return "\n\n".join(parts) + "\n"


def _machine(results: Results) -> str:
    facts = [f"- {name}: {value}" for name, value in results.machine.items()]
    rates = [t.product for t in results.timed]
    if rates:
        facts.append(f"- 2048 x 2048 x 2048 float32 product: {min(rates) / 1e9:.0f} to {max(rates) / 1e9:.0f} GFLOP/s")
    return "\n".join(facts)


def _section(title: str, timed: Sequence[Timed], contestants: Sequence[str],
             cell: Callable[[Timed, str], str]) -> list[str]:
    """A title and a table with a row a case, or nothing where there is none."""
    names = [name for name in contestants if any(name in t.entries for t in timed)]
    both = len({t.case.mode for t in timed}) > 1
    rows = ([f"{t.case.net}, {t.case.mode}" if both else t.case.net, str(t.case.batch), f"{t.operations / 1e9:.3g}",
             *(cell(t, name) if name in t.entries else "" for name in names)] for t in timed)
    return [title, table(["net", "batch", "GFLOP", *names], rows)] if timed else []


def milliseconds(seconds: float) -> str:
    """Three digits, or all before the point."""
    return f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:.0f}"


def _time(timed: Timed, name: str) -> str:
    """The time and the fraction, in bold for the fastest."""
    if isnan(timed.seconds(name)):
        return "failed"
    times = [t for other in timed.entries if not isnan(t := timed.seconds(other))]
    text = f"{milliseconds(timed.seconds(name))} ({timed.fraction(name):.2f})"
    return f"**{text}**" if timed.seconds(name) == min(times) and len(times) > 1 else text


def _memory(timed: Timed, name: str) -> str:
    memory = timed.entries[name].memory
    return "" if memory is None else f"{memory / 1e6:.0f}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _notes(results: Results) -> list[str]:
    """What went wrong and who was not there."""
    lines = [f"- {name} did not take part: {why}" for name, why in results.skipped.items()]
    for timed in results.timed:
        lines += [f"- {name}, {timed.case}: {note}" for name, entry in timed.entries.items() if (note := _note(entry))]
    lines += [f"- {row['program']}: {row['failed']}" for row in results.start if "failed" in row]
    return ["## Notes", "\n".join(lines)] if lines else []


def _note(entry: Entry) -> str:
    if entry.failed:
        return f"failed: {entry.failed}"
    if entry.difference is not None and not entry.difference <= CLOSE:  # nor NaN
        return f"its result differs by {entry.difference:.1e} of the greatest value: these times are not comparable"
    return ""


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
