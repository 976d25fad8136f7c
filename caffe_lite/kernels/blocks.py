"""Rows of contiguous elements: repeated, cropped, reduced. Flat arrays."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any
SUM, ASUM, SUMSQ = range(3)
BLOCK = 4096


@njit(cache=True, nogil=True)
def tile_forward(begin: int, end: int, x: Array, tiles: int, size: int, y: Array) -> None:
    """``y[row, t, i] = x[row, i]`` for ``t < tiles`` and ``i < size``"""
    for row in range(begin, end):
        for t in range(tiles):
            start = (row * tiles + t) * size
            for i in range(size):
                y[start + i] = x[row * size + i]


@njit(cache=True, nogil=True)
def tile_backward(begin: int, end: int, dy: Array, tiles: int, size: int, dx: Array) -> None:
    """``dx[row, i] = Σ_t dy[row, t, i]``"""
    for row in range(begin, end):
        for i in range(size):
            dx[row * size + i] = dy[row * tiles * size + i]
        for t in range(1, tiles):
            start = (row * tiles + t) * size
            for i in range(size):
                dx[row * size + i] += dy[start + i]


@njit(cache=True, nogil=True)
def _source_start(row: int, sizes: Array, steps: Array, start: int) -> int:
    """Where in the uncropped array row number ``row`` of the cropped one begins.

    ``sizes`` are the cropped array's without the last, ``steps`` the uncropped one's strides along these axes.
    """
    for axis in range(len(sizes) - 1, -1, -1):
        start += row % sizes[axis] * steps[axis]
        row //= sizes[axis]
    return start


@njit(cache=True, nogil=True)
def crop_forward(begin: int, end: int, x: Array, sizes: Array, steps: Array, start: int, width: int, y: Array) -> None:
    """``y[..., i] = x[... + offset, i + offset]``, row by row; ``start`` is the place of y's first element in x."""
    for row in range(begin, end):
        source = _source_start(row, sizes, steps, start)
        for i in range(width):
            y[row * width + i] = x[source + i]


@njit(cache=True, nogil=True)
def crop_backward(begin: int, end: int, dy: Array, sizes: Array, steps: Array, start: int, width: int,
                  dx: Array) -> None:
    """``dx[... + offset, i + offset] = dy[..., i]``; the rest is left as it is."""
    for row in range(begin, end):
        target = _source_start(row, sizes, steps, start)
        for i in range(width):
            dx[target + i] = dy[row * width + i]


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # lanes in a block, float64 over blocks: no long chain
def reduce_forward(begin: int, end: int, x: Array, size: int, operation: int, factor: float, y: Array) -> None:
    """``y[row] = factor Σ_i f(x[row, i])`` with f the identity, the absolute value or the square."""
    for row in range(begin, end):
        total = 0.0
        for start in range(row * size, (row + 1) * size, BLOCK):
            values, part = x[start:min(start + BLOCK, (row + 1) * size)], x.dtype.type(0)
            if operation == ASUM:
                for i in range(len(values)):
                    part += abs(values[i])
            elif operation == SUMSQ:
                for i in range(len(values)):
                    part += values[i] * values[i]
            else:
                for i in range(len(values)):
                    part += values[i]
            total += part
        y[row] = total * factor


@njit(cache=True, nogil=True)
def reduce_backward(begin: int, end: int, x: Array, dy: Array, size: int, operation: int, factor: float,
                    dx: Array) -> None:
    """``dx[row, i] = factor dy[row] f'(x[row, i])``; the absolute value's derivative at 0 is 0."""
    zero = x.dtype.type(0)
    for row in range(begin, end):
        slope, values, out = dy[row] * factor, x[row * size:(row + 1) * size], dx[row * size:(row + 1) * size]
        if operation == ASUM:
            for i in range(size):
                out[i] = slope if values[i] > 0 else -slope if values[i] < 0 else zero
        elif operation == SUMSQ:
            for i in range(size):
                out[i] = (slope + slope) * values[i]
        else:
            for i in range(size):
                out[i] = slope
