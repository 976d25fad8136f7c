"""Resizing images of bytes, to the bit as OpenCV's ``resize`` does it with ``INTER_LINEAR``.

Pixel x of the result lies at ``(x + 1/2) s - 1/2`` of the source, s being the ratio of the widths; weights are
rounded to 1/2048. Source: ``resize.cpp`` of OpenCV (2.4 to 5).
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def resize_bilinear(
    source: Array, columns: Array, column_weights: Array, rows: Array, row_weights: Array, lines: Array, out: Array
) -> None:
    """``out[c, y, x] = Σ_{i,j} row_weights[y, i] column_weights[x, j] source[c, rows[y] + i, columns[x] + j]``, in
    fixed point; rows and columns beyond the border are those at it.

    Args:
        source, out: uint8 ``(channels, height, width)``.
        columns, rows: the first of the two neighbours, for each column and row of ``out``.
        column_weights, row_weights: int64 ``(size, 2)``, in units of 1/2048.
        lines: workspace, int64 ``(2, width of out)``.
    """
    channels, height, width = out.shape
    last_row, last_column = source.shape[1] - 1, source.shape[2] - 1
    for c in range(channels):
        first = second = -1
        for y in range(height):
            upper = min(max(rows[y], 0), last_row)
            lower = min(max(rows[y] + 1, 0), last_row)
            if upper != first:
                _stretch(source[c, upper], columns, column_weights, last_column, lines[0])
                first = upper
            if lower != second:
                _stretch(source[c, lower], columns, column_weights, last_column, lines[1])
                second = lower
            a, b = row_weights[y, 0], row_weights[y, 1]
            for x in range(width):
                value = ((a * (lines[0, x] >> 4)) >> 16) + ((b * (lines[1, x] >> 4)) >> 16)
                out[c, y, x] = (value + 2) >> 2


@njit(cache=True, nogil=True)
def _stretch(row: Array, columns: Array, weights: Array, last: int, line: Array) -> None:
    for x in range(len(line)):
        left = columns[x]
        right = min(left + 1, last)
        line[x] = row[left] * weights[x, 0] + row[right] * weights[x, 1]


@njit(cache=True, nogil=True)
def halve(source: Array, out: Array) -> None:
    """``out[c, y, x]`` is the rounded mean of four pixels; OpenCV takes this way when both sizes are halved."""
    channels, height, width = out.shape
    for c in range(channels):
        for y in range(height):
            above, below = source[c, 2 * y], source[c, 2 * y + 1]
            for x in range(width):
                four = int(above[2 * x]) + int(above[2 * x + 1]) + int(below[2 * x]) + int(below[2 * x + 1])
                out[c, y, x] = (four + 2) >> 2
