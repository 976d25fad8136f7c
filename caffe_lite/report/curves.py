"""The training curve: losses, other outputs such as accuracies, and the learning rate, in one picture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from caffe_lite.errors import DataError
from caffe_lite.report.figure import figure
from caffe_lite.report.log import Run, Series

COLORS = ("#3B75AF", "#EF8636", "#519E3E", "#C53A32", "#8D69B8", "#84584E", "#D57DBE", "#7F7F7F")
NUMBER = re.compile(r"\[\d+\]$")  # of an output in a blob of several
LINES = ("-", "--", ":", "-.")
LOSS, RATE = "loss", "learning rate"
FEW = 15  # values of a curve that are marked with dots


class Curve(NamedTuple):
    """A line of a panel; the training's are thin and pale, the test's bold.

    ``label`` is what the legend says, ``name`` is ``LOSS``, ``RATE`` or the output blob's.
    """

    label: str
    name: str
    series: Series
    color: str
    line: str
    bold: bool


def draw_curves(logs: Mapping[str, Sequence[Run]], path: str | os.PathLike[str]) -> None:
    """Draw the runs of each log over their iterations.

    Args:
        logs: the runs by the label that tells them apart; one log alone is not labelled.
        path: the picture; its ending is one of ``figure.FORMATS``.

    Raises:
        ParameterError: another ending.
        DataError: there is nothing to draw.
    """
    curves = [curve for i, log in enumerate(logs) for curve in _curves(log, logs[log], i, len(logs))]
    if not curves:
        raise DataError(f"{', '.join(logs) or 'no log'}: no loss, output or learning rate to draw")
    panels = _panels(curves)
    heights = [{LOSS: 3, RATE: 1}.get(name, 2) for name in panels]
    with figure(path, 9, 1.2 + 1.1 * sum(heights)) as chart:
        grid = chart.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (name, lines) in zip(grid, panels.items(), strict=True):
            _panel(axes, name, lines)
        grid[-1].set_xlabel("iteration")
        nets = {run.net for runs in logs.values() for run in runs if run.net}
        if len(nets) == 1:
            chart.suptitle(*nets, fontsize=13)


def _curves(log: str, runs: Sequence[Run], number: int, logs: int) -> Iterator[Curve]:
    """Training loss, learning rate, and what the test nets and the training net put out.

    The training net's own losses are left out: the displayed loss is their sum, averaged. One log has a
    colour for each curve; of several each has its colour, and its curves have dashes.
    """
    styles: dict[str, int] = {}
    for run in runs:
        found = [("train loss", LOSS, run.loss, False)]
        found += [(f"train {name}", name, one, False) for name, one in run.train.items() if not one.loss]
        for net, outputs in sorted(run.test.items()):
            which = "test" if len(run.test) == 1 else f"test #{net}"
            found += [(f"{which} {name}", LOSS if one.loss else name, one, True) for name, one in outputs.items()]
        found.append((RATE, RATE, run.rate, True))
        for label, name, series, bold in found:
            if any(map(isfinite, series.values)):
                style = styles.setdefault(label, len(styles))
                color = COLORS[(number if logs > 1 else style) % len(COLORS)]
                line = LINES[max(style - 1, 0) % len(LINES)] if logs > 1 and name != RATE else "-"
                yield Curve(f"{log}: {label}" if logs > 1 else label, NUMBER.sub("", name), series, color, line, bold)


def _panels(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """What is drawn together: losses; what lies between 0 and 1; the numbers of another output; the rates."""
    shares = [c for c in curves if c.name not in (LOSS, RATE) and all(0 <= value <= 1 for value in c.series.values)]
    names = {c.name for c in shares}
    panels = {LOSS: [c for c in curves if c.name == LOSS], names.pop() if len(names) == 1 else "outputs": shares}
    for curve in curves:
        if curve.name not in (LOSS, RATE) and curve not in shares:
            panels.setdefault(curve.name, []).append(curve)
    panels[RATE] = [c for c in curves if c.name == RATE]
    return {name: lines for name, lines in panels.items() if lines}


def _panel(axes: Any, name: str, curves: Sequence[Curve]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_ylabel(name)
    axes.margins(x=0.01)
    lines = {}
    for curve in curves:
        (lines[curve.label],) = axes.plot(
            curve.series.iterations,
            curve.series.values,
            color=curve.color,
            linestyle=curve.line,
            linewidth=1.8 if curve.bold else 1.0,
            alpha=1.0 if curve.bold else 0.6,
            marker="o" if len(curve.series.values) <= FEW else "",
            markersize=3.5,
            zorder=3 if curve.bold else 2,
        )
    spread = _spread(value for curve in curves for value in curve.series.values)
    if spread > 8:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if spread < 500 else (1,)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    if 6 < len(lines) <= 30:
        axes.legend(list(lines.values()), list(lines), fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    elif len(lines) <= 6 and name != RATE:
        axes.legend(list(lines.values()), list(lines), fontsize=9)


def _spread(values: Iterable[float]) -> float:
    """The largest over the smallest, 0 where there is no such ratio."""
    finite = [value for value in values if isfinite(value)]
    return max(finite) / min(finite) if finite and min(finite) > 0 else 0.0
