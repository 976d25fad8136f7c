"""Plot trainings, and what a net has learned."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.commands.plot_net import KINDS
from caffe_lite.errors import DataError, FlagError

if TYPE_CHECKING:
    from caffe_lite.report.read import Log

log = logging.getLogger(__name__)

USAGE = """LOG... OUT, or filters|confusion|embedding NET WEIGHTS OUT, or activations NET WEIGHTS IMAGE OUT
Plots the losses, the other outputs and the learning rate of trainings; a layer's filters; what a layer
makes of an image; which classes a net takes for which; what a blob holds for each item of a net's test
data, in the plane. OUT is a .png, .svg or .pdf file, or an .html page.
A LOG is what caffe_lite train --solver=solver.prototxt 2>&1 | tee train.log keeps, a file of --log_json, or
a folder of --log_dir. See docs/plot.md."""
FLAGS = (
    Flag("chart", "", "Of logs: one of Caffe's charts alone, by its number from 0 to 7 or its name, such as "
         "'Test loss vs. Iters'."),
    Flag("seconds", False, "Of logs: over time instead of iterations."),
    Flag("smooth", 0.0, "Of logs: the width of the smooth lines, in values; 0 for one that fits, below 0 for none."),
    Flag("follow", False, "Of logs: plot again when a log has grown, until the runs have ended or Ctrl-C."),
    Flag("interval", 5.0, "With --follow: how many seconds lie between two plots at least."),
    Flag("layer", "", "The layer of filters or activations; by default the first with filters."),
    Flag("mean", "", "Of activations: what is subtracted from the image, a .binaryproto file or a number for each "
         "channel, such as 104,117,123."),
    Flag("scale", 1.0, "Of activations: what the image, from 0 to 255, is multiplied by after that."),
    Flag("classes", "", "Of confusion: a file with a class's name on each line."),
    Flag("iterations", 0, "Of confusion and embedding: how many batches; by default all test data once, or 50 batches "
         "where it cannot be told how many those are."),
    Flag("blob", "feat", "Of embedding: the blob of the points."),
    Flag("label", "", "Of embedding: the blob of the labels; by default the one that the net's loss or accuracy uses."),
    *LIMITS,
)


@limited
def run(call: Call) -> int:
    """Plot logs, or what ``plot_net`` plots.

    Raises:
        FlagError: not the arguments that are needed.
        CaffeError: a log, a net or its weights cannot be read, or hold nothing to plot.
    """
    if call.args and call.args[0] in KINDS and not os.path.exists(call.args[0]):
        kind, *args = call.args
        arguments, plot = KINDS[kind]
        if len(args) != len(arguments.split()):
            raise usage_error("plot", f"{kind} {arguments}", call.args)
        from caffe_lite.report.figure import check_format

        check_format(args[-1])
        plot(call, *args)
        return 0
    if len(call.args) < 2:
        raise usage_error("plot", USAGE, call.args)
    _plot_logs(call)
    return 0


def _plot_logs(call: Call) -> None:
    from caffe_lite.report.charts import chart_of
    from caffe_lite.report.curves import draw_curves
    from caffe_lite.report.figure import check_format
    from caffe_lite.report.read import Log, read_log

    flags = call.flags
    *paths, picture = call.args
    check_format(picture)
    if flags.interval <= 0:
        raise FlagError(f"--interval={flags.interval:g}: give a number of seconds above 0")
    chart = chart_of(flags.chart) if flags.chart else None
    labels = _labels(paths)
    refresh = max(1, round(flags.interval)) if flags.follow else 0
    if not flags.follow:
        runs = dict(zip(labels, map(read_log, paths), strict=True))
        draw_curves(runs, picture, chart, flags.seconds, flags.smooth)
        log.info("Plotted %s to %s", ", ".join(paths), picture)
        return

    def draw(logs: Sequence[Log], last: bool) -> None:
        grown = {label: one.runs for label, one in zip(labels, logs, strict=True) if one.runs}
        draw_curves(grown, picture, chart, flags.seconds, flags.smooth, 0 if last else refresh)

    follow([Log(path) for path in paths], draw, flags.interval)
    log.info("Plotted %s to %s", ", ".join(paths), picture)


def follow(logs: Sequence[Log], draw: Callable[[Sequence[Log], bool], None], interval: float) -> None:
    """Draw whenever a log has grown, until all have ended or Ctrl-C; a log may come into being later.

    Args:
        draw: told the logs, and whether it is the last time.
        interval: seconds between two looks.
    """
    log.info("Following %s; Ctrl-C ends it", ", ".join(str(one.path) for one in logs))
    try:
        while not all(one.ended for one in logs):
            grown = [_read(one) for one in logs]
            if any(grown) and any(one.runs for one in logs):
                _draw(draw, logs, last=False)
            if not all(one.ended for one in logs):
                time.sleep(interval)
    except KeyboardInterrupt:
        log.info("No longer following")
    if any(one.runs for one in logs):
        draw(logs, True)


def _read(one: Log) -> bool:
    try:
        return one.read()
    except DataError:  # not there yet
        return False


def _draw(draw: Callable[[Sequence[Log], bool], None], logs: Sequence[Log], last: bool) -> None:
    try:
        draw(logs, last)
    except DataError as error:  # a chart of what has not been logged yet
        log.debug("%s", error)


def _labels(paths: Sequence[str]) -> list[str]:
    """What tells the logs apart: their names without folder and ending, or else as much as it takes."""
    stems = [Path(path).stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    folders = [os.path.dirname(os.path.abspath(path)) for path in paths]
    return [os.path.relpath(path, os.path.commonpath(folders)) for path in paths]
