"""``warm``: compile now what a net or a solver will need, for container images and for runs that must start at once."""

from __future__ import annotations

import logging

from caffe_lite.commands import Call, Flag
from caffe_lite.commands.caffe import no_arguments
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import FlagError

log = logging.getLogger(__name__)

USAGE = """--solver=FILE | --model=FILE
Runs one iteration, whose results are thrown away, so that the kernels it needs lie compiled in the cache. Which
those are depends on the data's size too, so the data must be there."""
FLAGS = (
    Flag("solver", "", "The solver definition, a prototxt: its train net, its test nets and its update rule."),
    Flag("model", "", "The model definition, a prototxt: the net in both phases."),
    *LIMITS,
)


@limited
def run(call: Call) -> int:
    """Run an iteration of everything that the file defines.

    Raises:
        FlagError: none of the two files is given, or both.
        CaffeError: it does not run.
    """
    flags = call.flags
    no_arguments("warm", call.args)
    if bool(flags.solver) == bool(flags.model):
        raise FlagError("Need a solver definition or a model definition to compile for, and only one of them. "
                        "Give --solver=FILE or --model=FILE")

    from caffe_lite import kernels

    before = kernels.compiled()
    if flags.solver:
        _run_solver(flags.solver)
    else:
        _run_model(flags.model)
    log.info("Compiled %d kernels; all that %s needs lies in %s", kernels.compiled() - before,
             flags.solver or flags.model, kernels.cache_folder())
    return 0


def _run_solver(path: str) -> None:
    from caffe_lite.solvers.solver import read_solver

    solver = read_solver(path, snapshot=0)
    try:
        solver.net.forward()
        solver.net.backward()
        solver.apply_update()
        for net in solver.test_nets:
            net.forward()
    finally:
        solver.close()


def _run_model(path: str) -> None:
    from caffe_lite import schema
    from caffe_lite.errors import GraphError
    from caffe_lite.net import Net

    for phase in (schema.TRAIN, schema.TEST):
        net = Net.from_file(path, phase)
        try:
            if not net.layers:
                raise GraphError(f"{path}: there is nothing to run in phase {schema.Phase.Name(phase)}")
            net.forward()
            net.backward()
        finally:
            net.close()
