"""Axes in another order. Flat arrays."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def permute(begin: int, end: int, x: Array, sizes: Array, steps: Array, y: Array) -> None:
    """``y[i, j, ...] = x[i * steps[0] + j * steps[1] + ...]`` for y of shape ``sizes``, a line of its last axis after
    the other."""
    last = len(sizes) - 1
    width, step = sizes[last], steps[last]
    for row in range(begin, end):
        source = _line_start(row, sizes, steps)
        for i in range(width):
            y[row * width + i] = x[source + i * step]


@njit(cache=True, nogil=True)
def permute_back(begin: int, end: int, dy: Array, sizes: Array, steps: Array, dx: Array) -> None:
    """``dx[i * steps[0] + j * steps[1] + ...] = dy[i, j, ...]``"""
    last = len(sizes) - 1
    width, step = sizes[last], steps[last]
    for row in range(begin, end):
        target = _line_start(row, sizes, steps)
        for i in range(width):
            dx[target + i * step] = dy[row * width + i]


@njit(cache=True, nogil=True)
def _line_start(row: int, sizes: Array, steps: Array) -> int:
    start = 0
    for axis in range(len(sizes) - 2, -1, -1):
        start += row % sizes[axis] * steps[axis]
        row //= sizes[axis]
    return start
