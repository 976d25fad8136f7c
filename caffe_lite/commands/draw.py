"""Draw a net as a graph of layers and blobs."""

from __future__ import annotations

import logging

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.errors import FlagError

log = logging.getLogger(__name__)

USAGE = """NET OUT
Draws the net of a prototxt file as OUT: a .svg, .png, .jpg or .dot file, or a .pdf where
Graphviz is installed."""
FLAGS = (
    Flag("rankdir", "LR", "Where the data flows: LR, RL, TB or BT (left, right, top, bottom)."),
    Flag("phase", "ALL", "Which layers to draw: those of TRAIN, of TEST, or ALL."),
    Flag("display_lrm", False, "Show the learning rate multipliers of the learning layers."),
)


def run(call: Call) -> int:
    """Draw one net.

    Raises:
        FlagError: not one net and one picture, or a phase that is none.
        CaffeError: as ``report.draw.draw_net`` and ``upgrade.read_net`` raise it.
    """
    if len(call.args) != 2:
        raise usage_error("draw", USAGE, call.args)
    from caffe_lite.report.draw import PHASES, draw_net
    from caffe_lite.report.render import check_format
    from caffe_lite.upgrade import read_net

    model, picture = call.args
    flags = call.flags
    if flags.phase not in PHASES:
        raise FlagError(f"--phase={flags.phase} is no phase; give one of {', '.join(PHASES)}")
    check_format(picture)
    draw_net(read_net(model), picture, flags.rankdir, PHASES[flags.phase], flags.display_lrm)
    log.info("Drew %s to %s", model, picture)
    return 0
