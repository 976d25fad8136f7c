"""What a solver's parameters must be, whatever its nets are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from caffe_lite.errors import ParameterError
from caffe_lite.solvers.policies import check_policy
from caffe_lite.solvers.rules import rule_class


def check_parameters(param: Any) -> None:
    """Raise ``ParameterError`` for the first parameter of a ``SolverParameter`` that cannot be."""
    for check in CHECKS:
        check(param)


def _check_average(param: Any) -> None:
    if param.average_loss < 1:
        raise ParameterError(f"average_loss is {param.average_loss}: the mean needs 1 loss or more")


def _check_iter_size(param: Any) -> None:
    if param.iter_size < 1:
        raise ParameterError(f"iter_size is {param.iter_size}: an update needs 1 batch or more")


def _check_regularization(param: Any) -> None:
    if param.regularization_type not in ("L1", "L2"):
        raise ParameterError(f"Unknown regularization type: {param.regularization_type!r}; known: L1, L2")


def _check_rule(param: Any) -> None:
    rule_class(param.type).check(param)


CHECKS: tuple[Callable[[Any], None], ...] = (
    _check_average, _check_iter_size, _check_regularization, check_policy, _check_rule)
"""One for each thing that can be wrong; each raises ``ParameterError``."""
