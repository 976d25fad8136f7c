"""Who watches the training that ``train`` runs, as its flags say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from caffe_lite.commands import Call

if TYPE_CHECKING:
    from caffe_lite.solvers import Solver


@contextmanager
def watched(solver: Solver, call: Call, resumed: str) -> Iterator[None]:
    """While the block runs, show a progress line, and write ``--log_json`` and ``--tensorboard``.

    Args:
        resumed: the snapshot that the solver goes on from, or nothing.

    Raises:
        CaffeError: a package is missing, or the net has not the blob that is asked for.
        OSError: a file cannot be written.
    """
    from caffe_lite.report.json_log import json_log
    from caffe_lite.report.live import Live
    from caffe_lite.report.tensorboard import tensorboard

    flags, live = call.flags, Live(solver)
    with ExitStack() as stack:
        if flags.log_json:
            solver.watchers.append(stack.enter_context(json_log(flags.log_json, solver, resumed)))
        if flags.tensorboard:
            solver.watchers.append(stack.enter_context(
                tensorboard(flags.tensorboard, solver, flags.tensorboard_embedding)))
        max_iter = solver.param.max_iter
        live.bar = stack.enter_context(call.progress(max_iter, "iter", "Training", solver.iter, live.note))
        solver.watchers.append(live)
        yield
