"""``train``: train, resume or finetune a model.

Source: ``train()`` in ``tools/caffe.cpp``.
"""

from __future__ import annotations

import logging

from caffe_lite.commands import Call
from caffe_lite.commands.caffe import FLAGS as FLAGS
from caffe_lite.commands.caffe import choose_device, no_arguments, stages
from caffe_lite.commands.signals import Requests
from caffe_lite.errors import FlagError

log = logging.getLogger(__name__)

USAGE = """--solver=FILE [--snapshot=FILE | --weights=FILE,...]
Ctrl-C stops after the iteration with a snapshot, SIGHUP snapshots and goes on; see --sigint_effect."""


def run(call: Call) -> int:
    """Train as the solver definition says."""
    flags = call.flags
    no_arguments("train", call.args)
    if not flags.solver:
        raise FlagError("Need a solver definition to train.")
    if flags.snapshot and flags.weights:
        raise FlagError("Give a snapshot to resume training or weights to finetune but not both.")
    requests = Requests(flags.sigint_effect, flags.sighup_effect)

    from caffe_lite import schema
    from caffe_lite.solvers import Solver
    from caffe_lite.upgrade import read_solver

    param = read_solver(flags.solver)
    param.train_state.level = flags.level
    param.train_state.stage.extend(stages(flags.stage))
    wants_gpu = param.HasField("solver_mode") and param.solver_mode == schema.SolverParameter.GPU
    choose_device(flags.gpu, flags.strict_gpu, f"solver_mode: GPU in {flags.solver}" if wants_gpu else "")
    if flags.snapshot or flags.weights:
        del param.weights[:]
    if flags.weights:
        param.weights.append(flags.weights)

    with requests.listening():
        solver = Solver(param, named_by=flags.solver)
        solver.action = requests.action
        try:
            if flags.snapshot:
                log.info("Resuming from %s", flags.snapshot)
                solver.restore(flags.snapshot)
            log.info("Starting Optimization")
            with call.progress(param.max_iter, "iter", "Training", solver.iter) as bar:
                solver.on_iteration = lambda solver: bar.at(solver.iter)
                solver.solve()
        finally:
            solver.close()
    log.info("Optimization Done.")
    return 0
