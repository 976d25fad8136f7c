"""The rectifier with a ceiling. Flat arrays; ``dx`` may be ``dy``."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def relu6_forward(begin: int, end: int, x: Array, y: Array) -> None:
    """``y = min(max(x, 0), 6)``; ``y`` may be ``x``."""
    low, high = x.dtype.type(0), x.dtype.type(6)
    for i in range(begin, end):
        y[i] = min(max(x[i], low), high)


@njit(cache=True, nogil=True)
def relu6_backward(begin: int, end: int, x: Array, y: Array, dy: Array, dx: Array) -> None:
    """``dx = dy`` where ``0 < x < 6``, else 0"""
    zero = x.dtype.type(0)
    for i in range(begin, end):
        dx[i] = dy[i] if 0 < x[i] < 6 else zero
