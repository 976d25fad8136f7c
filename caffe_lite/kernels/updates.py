"""The update rules, each one pass over flat arrays.

Every kernel turns the gradient in ``diff`` into the update and takes it from ``data``, as Caffe's solvers and
``Net::Update`` do together; ``decay`` is added before, L2 as ``decay * data`` or L1 as ``decay * sign(data)``.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True, inline="always")
def regularized(gradient: float, value: float, decay: float, l1: bool) -> float:
    """The gradient with the derivative of the weight's penalty added."""
    if l1:
        if value > 0:
            return gradient + decay
        return gradient - decay if value < 0 else gradient
    return gradient + decay * value


@njit(cache=True, nogil=True)
def sgd(begin: int, end: int, data: Array, diff: Array, history: Array, factor: float, decay: float, l1: bool,
        rate: float, momentum: float) -> None:
    """``h = momentum h + rate (factor g + decay)``; ``data -= h``. The rate is inside the history."""
    for i in range(begin, end):
        gradient = regularized(diff[i] * factor, data[i], decay, l1)
        update = momentum * history[i] + rate * gradient
        history[i] = update
        diff[i] = update
        data[i] -= update
