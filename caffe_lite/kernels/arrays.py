"""Copying, adding and scaling of flat arrays."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def copy_blocks(begin: int, end: int, source: Array, source_start: int, source_step: int,
                target: Array, target_start: int, target_step: int, size: int) -> None:
    """``target[target_start + i * target_step + k] = source[source_start + i * source_step + k]``

    for blocks ``i`` from ``begin`` to ``end`` and ``k < size``; flat arrays.
    """
    for i in range(begin, end):
        s, t = source_start + i * source_step, target_start + i * target_step
        for k in range(size):
            target[t + k] = source[s + k]


@njit(cache=True, nogil=True)
def add(begin: int, end: int, a: Array, b: Array, out: Array) -> None:
    """``out = a + b`` on flat arrays; ``out`` may be one of the two."""
    for i in range(begin, end):
        out[i] = a[i] + b[i]


@njit(cache=True, nogil=True)
def scale(begin: int, end: int, factor: float, a: Array) -> None:
    """``a *= factor`` on a flat array."""
    for i in range(begin, end):
        a[i] *= factor


@njit(cache=True, nogil=True)
def sum_absolute(a: Array) -> float:
    """``Σ |a|`` of a flat array, summed in float64."""
    total = 0.0
    for i in range(a.size):
        total += abs(float(a[i]))
    return total


@njit(cache=True, nogil=True)
def sum_squares(a: Array) -> float:
    """``Σ a²`` of a flat array, summed in float64."""
    total = 0.0
    for i in range(a.size):
        total += float(a[i]) * float(a[i])
    return total
