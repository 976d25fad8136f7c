"""The smooth L1 loss. Arrays are ``(n, size)``."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes: faster, and round less than one long chain
def smooth_l1_forward(begin: int, end: int, a: Array, b: Array, inside: Array, outside: Array, sigma2: float,
                      diff: Array, losses: Array) -> None:
    """``diff = inside (a - b)`` and ``losses[n] = Σ outside f(diff)``, where ``f(d)`` is ``sigma2 d² / 2`` for
    ``|d| < 1 / sigma2`` and else ``|d| - 1 / (2 sigma2)``; empty weights are 1."""
    half = a.dtype.type(0.5)
    limit = a.dtype.type(1) / sigma2
    for n in range(begin, end):
        total = a.dtype.type(0)
        for i in range(a.shape[1]):
            d = a[n, i] - b[n, i]
            if inside.size:
                d *= inside[n, i]
            diff[n, i] = d
            error = half * d * d * sigma2 if abs(d) < limit else abs(d) - half * limit
            total += error * outside[n, i] if outside.size else error
        losses[n] = total


@njit(cache=True, nogil=True)
def smooth_l1_backward(begin: int, end: int, diff: Array, inside: Array, outside: Array, sigma2: float, factor: float,
                       dx: Array) -> None:
    """``dx = factor f'(diff)``, times ``inside outside`` where there are outside weights.

    Inside weights alone do not enter again: they are 0 or 1.
    """
    one = diff.dtype.type(1)
    limit = one / sigma2
    for n in range(begin, end):
        for i in range(diff.shape[1]):
            d = diff[n, i]
            slope = sigma2 * d if abs(d) < limit else one if d > 0 else -one
            dx[n, i] = factor * slope * inside[n, i] * outside[n, i] if outside.size else factor * slope
