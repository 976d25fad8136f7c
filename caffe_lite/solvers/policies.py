"""The learning rate at an iteration.

Source: ``SGDSolver::GetLearningRate`` in Caffe's sgd_solver.cpp. As there, every step is rounded to float32;
powers and exponentials are computed in float64 first, since numpy's own float32 ones are off by a bit now and then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from difflib import get_close_matches
from math import exp
from typing import Any

import numpy as np

from caffe_lite.errors import ParameterError

log = logging.getLogger(__name__)
F = np.float32
Rate = tuple[float, int]


def learning_rate(param: Any, iteration: int, step: int) -> tuple[float, int]:
    """The rate for this iteration, and the number of steps taken so far.

    Args:
        param: the ``SolverParameter``.
        iteration: how many updates were made.
        step: how many steps ``step`` or ``multistep`` had taken before.

    Raises:
        ParameterError: the policy is unknown, or its parameters cannot be.
    """
    rate, step = _POLICIES[_known(param.lr_policy)](param, iteration, step)
    return float(F(param.base_lr) * F(rate)), step


def check_policy(param: Any) -> None:
    """Raise ``ParameterError`` for what ``learning_rate`` would stumble over in the middle of a training."""
    name = _known(param.lr_policy)
    if name in ("step", "exp", "inv", "multistep", "sigmoid") and param.gamma < 0:
        raise ParameterError(f"lr_policy: {name!r} needs a gamma of 0 or more, found {param.gamma:g}")
    if name in ("step", "sigmoid") and param.stepsize <= 0:
        raise ParameterError(f"lr_policy: {name!r} needs a stepsize above 0, found {param.stepsize}")


def _fixed(param: Any, iteration: int, step: int) -> Rate:
    """``base_lr``"""
    return 1.0, step


def _step(param: Any, iteration: int, step: int) -> Rate:
    """``base_lr * gamma ^ floor(iter / stepsize)``"""
    step = iteration // param.stepsize
    return param.gamma**step, step


def _exp(param: Any, iteration: int, step: int) -> Rate:
    """``base_lr * gamma ^ iter``"""
    return param.gamma**iteration, step


def _inv(param: Any, iteration: int, step: int) -> Rate:
    """``base_lr * (1 + gamma * iter) ^ -power``"""
    return float(F(1) + F(param.gamma) * F(iteration)) ** -param.power, step


def _multistep(param: Any, iteration: int, step: int) -> Rate:
    """``base_lr * gamma ^ step``, where a step is taken at each ``stepvalue``, one an iteration at most"""
    if step < len(param.stepvalue) and iteration >= param.stepvalue[step]:
        step += 1
        log.info("MultiStep Status: Iteration %d, step = %d", iteration, step)
    return param.gamma**step, step


def _poly(param: Any, iteration: int, step: int) -> Rate:
    """``base_lr * (1 - iter / max_iter) ^ power``"""
    return float(F(1) - F(iteration) / F(param.max_iter)) ** param.power, step


def _sigmoid(param: Any, iteration: int, step: int) -> Rate:
    """``base_lr / (1 + exp(-gamma * (iter - stepsize)))``"""
    return float(F(1) / (F(1) + F(exp(-F(param.gamma) * (F(iteration) - F(param.stepsize)))))), step


_POLICIES: dict[str, Callable[[Any, int, int], Rate]] = {
    "fixed": _fixed,
    "step": _step,
    "exp": _exp,
    "inv": _inv,
    "multistep": _multistep,
    "poly": _poly,
    "sigmoid": _sigmoid,
}


def _known(name: str) -> str:
    if name in _POLICIES:
        return name
    close = get_close_matches(name, _POLICIES, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ParameterError(f"Unknown learning rate policy: {name!r}{hint}; known: {', '.join(_POLICIES)}")
