"""``train``: train, resume or finetune a model.

Source: ``train()`` in ``tools/caffe.cpp``.
"""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from caffe_lite.commands import Call
from caffe_lite.commands.caffe import FLAGS as FLAGS
from caffe_lite.commands.caffe import choose_device, no_arguments, stages
from caffe_lite.commands.limits import limited
from caffe_lite.commands.signals import Requests
from caffe_lite.commands.watching import watched
from caffe_lite.errors import FlagError

if TYPE_CHECKING:
    from caffe_lite.distributed.ranks import Ranks

log = logging.getLogger(__name__)
FAILED = 1

USAGE = """--solver=FILE [--snapshot=FILE|auto] [--weights=FILE,...]
Ctrl-C stops after the iteration with a snapshot, SIGHUP snapshots and goes on; see --sigint_effect. SIGTERM stops with
a snapshot and the exit code 143. See docs/reliability.md.
--ranks=N trains with N processes here, mpirun -n N with as many there; see docs/distributed.md."""


@limited
def run(call: Call) -> int:
    """Train as the solver definition says."""
    flags = call.flags
    no_arguments("train", call.args)
    if not flags.solver:
        raise FlagError("Need a solver definition to train. Give --solver=FILE")
    if flags.snapshot not in ("", "auto") and flags.weights:
        raise FlagError("Give a snapshot to resume training or weights to finetune but not both.")
    if flags.snapshot_keep < 0:
        raise FlagError(f"--snapshot_keep={flags.snapshot_keep}: give how many snapshots to keep, or 0 for all")
    if flags.on_nan not in ("stop", "continue"):
        raise FlagError(f"--on_nan={flags.on_nan}: give stop or continue")
    requests = Requests(flags.sigint_effect, flags.sighup_effect)

    from caffe_lite.distributed.launch import launch, started_by_mpi

    if flags.ranks not in (0, 1) and not started_by_mpi(os.environ):
        return launch(flags.ranks, vars(flags))

    from caffe_lite.distributed.ranks import joined

    with joined(flags.ranks, flags.keep_batch, flags.average_batch_norm) as ranks:
        requests.echo = ranks.echo
        return _train(call, requests, ranks)


def _train(call: Call, requests: Requests, ranks: Ranks) -> int:
    from caffe_lite.snapshot.kept import newest_snapshot
    from caffe_lite.solvers.snapshots import snapshot_prefix

    flags = call.flags
    param = ranks.all_or_none(lambda: _read_solver(call, ranks.rank == 0))
    resume = flags.snapshot
    if resume == "auto":
        resume = ranks.from_first(lambda: newest_snapshot(snapshot_prefix(param, flags.solver)))
    if resume or flags.weights:
        del param.weights[:]
    if flags.weights and not resume:
        param.weights.append(flags.weights)

    with requests.listening(), call.unheard(requests.on_lost_output):
        solver = ranks.solver(param, flags.solver)
        solver.action = requests.action
        solver.stop_at_nan = flags.on_nan == "stop"
        solver.snapshots.keep = flags.snapshot_keep
        try:
            if resume:
                log.info("Resuming from %s", resume)
                solver.restore(resume)
            with watched(solver, call, resume) if ranks.rank == 0 else nullcontext():
                log.info("Starting Optimization")
                solver.solve()
        finally:
            solver.close()
        log.info("Optimization Done.")
        if solver.snapshot_failed:
            log.error("The last snapshot could not be written")
        return ranks.worst(FAILED if solver.snapshot_failed else requests.exit_code if solver.leaving else 0)


def _read_solver(call: Call, first: bool) -> Any:
    """The solver as the flags want it; ``first`` tells everything that is wrong with it."""
    from caffe_lite import schema
    from caffe_lite.check.before_training import tell_errors
    from caffe_lite.upgrade import read_solver

    flags = call.flags
    if first:
        tell_errors(flags.solver, flags.level, stages(flags.stage), not (flags.snapshot or flags.weights))
    param = read_solver(flags.solver)
    param.train_state.level = flags.level
    param.train_state.stage.extend(stages(flags.stage))
    wants_gpu = param.HasField("solver_mode") and param.solver_mode == schema.SolverParameter.GPU
    choose_device(flags.gpu, flags.strict_gpu, f"solver_mode: GPU in {flags.solver}" if wants_gpu else "")
    return param
