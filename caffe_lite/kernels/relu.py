"""The rectifier."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def relu_forward(begin: int, end: int, x: Array, slope: float, y: Array) -> None:
    """``y = max(x, 0) + slope min(x, 0)`` on flat arrays; ``y`` may be ``x``."""
    for i in range(begin, end):
        y[i] = x[i] if x[i] > 0 else x[i] * slope


@njit(cache=True, nogil=True)
def relu_backward(begin: int, end: int, x: Array, dy: Array, slope: float, dx: Array) -> None:
    """``dx = dy (x > 0) + slope dy (x <= 0)`` on flat arrays; ``dx`` may be ``dy``.

    ``x`` may be the layer's output: for a slope that is not negative it has the same sign.
    """
    for i in range(begin, end):
        dx[i] = dy[i] if x[i] > 0 else dy[i] * slope
