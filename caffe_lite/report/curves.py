"""The training curve: losses, other outputs such as accuracies, and the learning rate, in one picture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from caffe_lite.errors import DataError
from caffe_lite.report.charts import Chart
from caffe_lite.report.colors import COLORS as COLORS
from caffe_lite.report.figure import figure
from caffe_lite.report.lines import NOISY, smoothed, thinned
from caffe_lite.report.log import Run, Series

NUMBER = re.compile(r"\[\d+\]$")  # of an output in a blob of several
LINES = ("-", "--", ":", "-.")
LOSS, RATE = "loss", "learning rate"
FEW = 15  # values of a curve that are marked with dots
UNITS = ((3 * 3600, 3600, "h"), (180, 60, "min"), (0, 1, "s"))  # from so many seconds on, seconds in one, name


class Curve(NamedTuple):
    """A line of a panel; what training nets put out is noisy.

    ``label`` is what the legend says, ``name`` is ``LOSS``, ``RATE`` or the output blob's.
    """

    label: str
    name: str
    series: Series
    color: str
    line: str
    noisy: bool


def draw_curves(
    logs: Mapping[str, Sequence[Run]],
    path: str | os.PathLike[str],
    chart: Chart | None = None,
    seconds: bool = False,
    smooth: float = 0,
    refresh: int = 0,
) -> None:
    """Draw the runs of each log.

    Noisy lines are faint, with a smooth one over them.

    Args:
        logs: the runs by the label that tells them apart; one log alone is not labelled.
        path: the picture; its ending is one of ``figure.FORMATS``.
        chart: one quantity alone; by default all of them.
        seconds: over the time since the run's beginning instead of iterations.
        smooth: the width of the smooth lines in values, below 0 for none, 0 for one that fits; see ``lines.smoothed``.
        refresh: of an HTML page; see ``page.page``.

    Raises:
        ParameterError: another ending.
        DataError: there is nothing to draw.
    """
    curves = [curve for i, log in enumerate(logs) for curve in _curves(log, logs[log], i, len(logs), chart)]
    seconds = seconds or (chart is not None and chart.seconds)
    if not curves:
        what = f"no {chart.quantity.lower()}" if chart else "no loss, output or learning rate"
        raise DataError(f"{', '.join(logs) or 'no log'}: {what} to draw")
    panels = _panels(curves)
    heights = [{LOSS: 3, RATE: 1}.get(name, 2) for name in panels] if len(panels) > 1 else [4]
    longest = max((at for curve in curves for at in curve.series.seconds), default=0)
    _, scale, unit = next((each for each in UNITS if longest >= each[0]), UNITS[-1])
    wide = 9 + min(0.08 * max(max(len(curve.label) for curve in curves) - 14, 0), 5)  # a legend is beside the lines
    with figure(path, wide, 1.2 + 1.1 * sum(heights), _title(logs, chart), _table(curves), refresh) as picture:
        grid = picture.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (name, lines) in zip(grid, panels.items(), strict=True):
            _panel(axes, name, lines, scale if seconds else 0, smooth)
        grid[-1].set_xlabel(f"time ({unit})" if seconds else "iteration")
        if not seconds:
            grid[-1].xaxis.set_major_formatter("{x:,.0f}")
            grid[-1].xaxis.get_major_locator().set_params(integer=True)


def _title(logs: Mapping[str, Sequence[Run]], chart: Chart | None) -> str:
    nets = {run.net for runs in logs.values() for run in runs if run.net}
    name = nets.pop() if len(nets) == 1 else ", ".join(logs) if len(logs) < 4 else f"{len(logs)} runs"
    return f"{name}: {chart.quantity.lower()}" if chart else name


def _curves(log: str, runs: Sequence[Run], number: int, logs: int, chart: Chart | None = None) -> Iterator[Curve]:
    """Training loss, learning rate, and what the test nets and the training net put out.

    The training net's own losses are left out: the displayed loss is their sum, averaged. One log has a
    colour for each curve; of several each has its colour, and its curves have dashes.
    """
    styles: dict[str, int] = {}
    dashed: dict[bool, dict[str, int]] = {}  # of losses and of others
    for run in runs:
        for label, name, series, noisy in _chosen(run, chart) if chart else _all(run):
            if any(map(isfinite, series.values)):
                style = styles.setdefault(label, len(styles))
                color = COLORS[(number if logs > 1 else style) % len(COLORS)]
                dashes = dashed.setdefault(name == LOSS, {})
                line = LINES[dashes.setdefault(label, len(dashes)) % len(LINES)] if logs > 1 and name != RATE else "-"
                shown = label if logs == 1 else log if chart else f"{log}: {label}"
                yield Curve(shown, NUMBER.sub("", name), series, color, line, noisy)


def _all(run: Run) -> list[tuple[str, str, Series, bool]]:
    found = [("train loss", LOSS, run.loss, True)]
    for net, outputs in sorted(run.test.items()):
        which = "test" if len(run.test) == 1 else f"test #{net}"
        found += [(f"{which} {name}", LOSS if one.loss else name, one, False) for name, one in outputs.items()]
    found += [(f"train {name}", name, one, True) for name, one in run.train.items() if not one.loss]
    return [*found, (RATE, RATE, run.rate, False)]


def _chosen(run: Run, chart: Chart) -> list[tuple[str, str, Series, bool]]:
    quantity = chart.quantity.lower()
    name = next((name for name in (LOSS, RATE) if name in quantity), "accuracy")
    return [(quantity, name, chart.series(run), quantity == "train loss")]


def _panels(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """What is drawn together: losses; what lies between 0 and 1; the numbers of another output; the rates."""
    shares = [curve for curve in curves if _is_share(curve)]
    names = {c.name for c in shares}
    panels = {LOSS: [c for c in curves if c.name == LOSS], names.pop() if len(names) == 1 else "outputs": shares}
    for curve in curves:
        if curve.name not in (LOSS, RATE) and curve not in shares:
            panels.setdefault(curve.name, []).append(curve)
    panels[RATE] = [c for c in curves if c.name == RATE]
    return {name: lines for name, lines in panels.items() if lines}


def _is_share(curve: Curve) -> bool:
    return curve.name not in (LOSS, RATE) and all(0 <= value <= 1 for value in curve.series.values)


def _panel(axes: Any, name: str, curves: Sequence[Curve], time: float, smooth: float) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_ylabel(name)
    axes.margins(x=0.01)
    lines = {}
    for curve in curves:
        x = [at / time for at in curve.series.seconds] if time else curve.series.iterations
        few = len(curve.series.values) <= FEW
        style: dict[str, Any] = {"color": curve.color, "linestyle": curve.line, "marker": "o" if few else "",
                                 "markersize": 3.5, "linewidth": 1.6, "zorder": 2 if curve.noisy else 3}
        if curve.noisy and smooth >= 0 and len(curve.series.values) >= NOISY:
            axes.plot(*thinned(x, curve.series.values), color=curve.color, alpha=0.3, linewidth=0.7, zorder=1.5)
            (lines[curve.label],) = axes.plot(*smoothed(x, curve.series.values, smooth), **style)
        else:
            (lines[curve.label],) = axes.plot(*thinned(x, curve.series.values), **style)
    spread = _spread(value for curve in curves for value in curve.series.values)
    if spread > 8 and not all(map(_is_share, curves)):
        axes.set_yscale("log")
        room = 20 if name == RATE else 500
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if spread < room else (1,)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    if len(lines) <= 30 and (name != RATE or len(lines) > 1):
        axes.legend(list(lines.values()), list(lines), fontsize=9, loc="upper left", bbox_to_anchor=(1, 1.03))


def _spread(values: Iterable[float]) -> float:
    """The largest over the smallest, 0 where there is no such ratio."""
    finite = [value for value in values if isfinite(value)]
    return max(finite) / min(finite) if finite and min(finite) > 0 else 0.0


def _table(curves: Sequence[Curve]) -> list[list[str]]:
    """Each curve's last value, its best, and where that was: the lowest loss, the highest of an accuracy."""
    rows = [["", "last", "at iteration", "best", "at iteration"]]
    for curve in curves:
        if curve.name == RATE:
            continue
        finite = [(value, at) for value, at in zip(curve.series.values, curve.series.iterations, strict=True)
                  if isfinite(value)]
        value, at = min(finite) if curve.name == LOSS else max(finite, key=lambda each: each[0])
        last = curve.series.values[-1], curve.series.iterations[-1]
        rows.append([curve.label, f"{last[0]:.4g}", f"{last[1]:,}", f"{value:.4g}", f"{at:,}"])
    return rows if len(rows) > 1 else []
