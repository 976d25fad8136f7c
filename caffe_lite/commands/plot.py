"""Plot training logs."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from caffe_lite.commands import Call, Flag, usage_error

log = logging.getLogger(__name__)

USAGE = """LOG... OUT
Plots the losses, the accuracies and the learning rate of one or more training logs to OUT, a .png,
.svg or .pdf file. Keep a log with: caffe_lite train --solver=solver.prototxt 2>&1 | tee train.log"""
FLAGS: tuple[Flag, ...] = ()


def run(call: Call) -> int:
    """Plot logs.

    Raises:
        FlagError: no log or no picture is named.
        CaffeError: as ``report.log.read_log`` and ``report.curves.draw_curves`` raise it.
    """
    if len(call.args) < 2:
        raise usage_error("plot", USAGE, call.args)
    from caffe_lite.report.curves import draw_curves
    from caffe_lite.report.figure import check_format
    from caffe_lite.report.log import read_log

    *logs, picture = call.args
    check_format(picture)
    draw_curves(dict(zip(_labels(logs), map(read_log, logs), strict=True)), picture)
    log.info("Plotted %s to %s", ", ".join(logs), picture)
    return 0


def _labels(paths: Sequence[str]) -> list[str]:
    """What tells the logs apart: their names without folder and ending, or else as much as it takes."""
    stems = [Path(path).stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    folders = [os.path.dirname(os.path.abspath(path)) for path in paths]
    return [os.path.relpath(path, os.path.commonpath(folders)) for path in paths]
