"""Rows picked by number. Flat arrays of rows of ``size`` elements."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def first_outside(index: Array, count: int) -> int:
    """The place of the first index that is not in 0 to ``count - 1``, or -1."""
    for m in range(index.size):
        if not 0 <= index[m] < count:  # a NaN too
            return m
    return -1


@njit(cache=True, nogil=True)
def gather_rows(begin: int, end: int, index: Array, source: Array, size: int, target: Array) -> None:
    """``target[m] = source[index[m]]`` for rows m from ``begin`` to ``end``."""
    for m in range(begin, end):
        s, t = int(index[m]) * size, m * size
        for k in range(size):
            target[t + k] = source[s + k]


@njit(cache=True, nogil=True)
def scatter_add_rows(begin: int, end: int, index: Array, count: int, source: Array, size: int, target: Array) -> None:
    """``target[index[m]] += source[m]`` for the first ``count`` rows; the outer loop counts columns, because
    two rows may have one index."""
    for m in range(count):
        s, t = m * size, int(index[m]) * size
        for k in range(begin, end):
            target[t + k] += source[s + k]


@njit(cache=True, nogil=True)
def nonzero(values: Array, index: Array) -> int:
    """Write the places of the values that are not 0 into ``index``; returns how many."""
    count = 0
    for m in range(values.size):
        if values[m] != 0:
            index[count] = m
            count += 1
    return count
