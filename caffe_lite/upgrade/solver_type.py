"""The solver's type: once an enum, now a name."""

from __future__ import annotations

import logging

from caffe_lite.errors import SchemaError
from caffe_lite.schema import SolverParameter
from caffe_lite.upgrade.fields import without

log = logging.getLogger(__name__)

_ATTEMPT = "Attempting to upgrade input file specified using deprecated 'solver_type' field (enum)': %s"
_SUCCESS = "Successfully upgraded file specified using deprecated 'solver_type' field (enum) to 'type' field (string)."
_NOTE = "Note that future Caffe releases will only support 'type' field (string) for a solver's type."
_TYPES = {
    SolverParameter.SGD: "SGD",
    SolverParameter.NESTEROV: "Nesterov",
    SolverParameter.ADAGRAD: "AdaGrad",
    SolverParameter.RMSPROP: "RMSProp",
    SolverParameter.ADADELTA: "AdaDelta",
    SolverParameter.ADAM: "Adam",
}


def upgrade_solver(solver: SolverParameter, name: str = "") -> SolverParameter:
    """The solver with ``type`` in place of ``solver_type``; itself, if it is that already.

    ``name`` stands for the file in the log. Source: ``UpgradeSolverAsNeeded``.

    Raises:
        SchemaError: both are given.
    """
    if not solver.HasField("solver_type"):
        return solver
    log.info(_ATTEMPT, name)
    if solver.HasField("type"):
        raise SchemaError(f"{name}: both solver_type and type ({solver.type}) are set. Remove solver_type.")
    upgraded = without(solver, "solver_type")
    upgraded.type = _TYPES[solver.solver_type]
    log.info(_SUCCESS)
    log.warning(_NOTE)
    return upgraded
