"""The times as a picture: of each case a bar for every contestant, as long as its fraction."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import isnan
from typing import Any

from caffe_lite.report.curves import COLORS
from caffe_lite.report.figure import figure
from tools.bench.results import Results, Timed
from tools.bench.tables import TITLES, milliseconds

BAR = 0.17  # inches
GAP = 0.8  # bars, between two cases


def draw(results: Results, path: str | os.PathLike[str]) -> None:
    """Draw the nets' cases, forward beside training; nothing where there are none.

    Raises:
        ParameterError: the ending of ``path`` is no picture's.
        OSError: it cannot be written.
    """
    contestants = results.contestants()
    panels = [(title, [t for t in results.group("nets") if t.case.mode == mode]) for mode, title in TITLES.items()]
    panels = [(title, timed) for title, timed in panels if timed]
    if not panels:
        return
    heights = [sum(len(_present(t, contestants)) + GAP for t in timed) for _, timed in panels]
    with figure(path, 7 * len(panels), 1.6 + BAR * max(heights)) as chart:
        columns = chart.subplots(1, len(panels), sharex=True, squeeze=False)[0]
        for axes, (title, timed) in zip(columns, panels, strict=True):
            axes.set_title(title, fontsize=11)
            _bars(axes, timed, contestants)
        bars = [_proxy(color) for _, color in zip(contestants, COLORS, strict=False)]
        chart.legend(bars, contestants, loc="outside upper center", ncols=len(contestants), fontsize=10)


def _bars(axes: Any, timed: Sequence[Timed], contestants: Sequence[str]) -> None:
    """One case below the other; the time stands at the end of its bar."""
    y, ticks, labels = 0.0, [], []
    for case in timed:
        present = _present(case, contestants)
        ticks.append(y + (len(present) - 1) / 2)
        labels.append(f"{case.case.net}\nbatch {case.case.batch}")
        for name in present:
            fraction = case.fraction(name)
            axes.barh(y, fraction, 0.85, color=COLORS[contestants.index(name) % len(COLORS)])
            axes.annotate(f"{milliseconds(case.seconds(name))} ms", (fraction, y), xytext=(3, 0),
                          textcoords="offset points", va="center", fontsize=7)
            y += 1
        y += GAP
    axes.set_yticks(ticks, labels, fontsize=8)
    axes.set_ylim(y - GAP, -1)
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("fraction of the rate of a 2048 x 2048 x 2048 product; longer is faster")


def _present(timed: Timed, contestants: Sequence[str]) -> list[str]:
    return [name for name in contestants if not isnan(timed.seconds(name))]


def _proxy(color: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=color)
