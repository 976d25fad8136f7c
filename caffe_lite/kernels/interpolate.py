"""Bilinear interpolation. Planes are ``(planes, height, width)``; the outer loops count planes.

Row y of the large plane lies between rows ``rows[y]`` and ``rows[y] + 1`` of the small one (if there is one),
``row_parts[y]`` after the first; columns likewise.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def interpolate(begin: int, end: int, x: Array, rows: Array, row_parts: Array, last_row: int, columns: Array,
                column_parts: Array, last_column: int, y: Array) -> None:
    """``y`` is the weighted mean of four neighbours in ``x``."""
    one = x.dtype.type(1)
    for p in range(begin, end):
        for h in range(y.shape[1]):
            above, part_h = rows[h], row_parts[h]
            below = min(above + 1, last_row)
            for w in range(y.shape[2]):
                left, part_w = columns[w], column_parts[w]
                right = min(left + 1, last_column)
                y[p, h, w] = ((one - part_h) * ((one - part_w) * x[p, above, left] + part_w * x[p, above, right])
                              + part_h * ((one - part_w) * x[p, below, left] + part_w * x[p, below, right]))


@njit(cache=True, nogil=True)
def interpolate_back(begin: int, end: int, dy: Array, rows: Array, row_parts: Array, last_row: int, columns: Array,
                     column_parts: Array, last_column: int, dx: Array) -> None:
    """Each element of ``dy`` spread over the four neighbours by the same weights."""
    one = dy.dtype.type(1)
    for p in range(begin, end):
        dx[p] = 0
        for h in range(dy.shape[1]):
            above, part_h = rows[h], row_parts[h]
            below = min(above + 1, last_row)
            for w in range(dy.shape[2]):
                left, part_w = columns[w], column_parts[w]
                right = min(left + 1, last_column)
                d = dy[p, h, w]
                dx[p, above, left] += (one - part_h) * (one - part_w) * d
                dx[p, above, right] += (one - part_h) * part_w * d
                dx[p, below, left] += part_h * (one - part_w) * d
                dx[p, below, right] += part_h * part_w * d
