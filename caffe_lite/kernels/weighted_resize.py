"""Resizing by weighted sums of neighbours, first along rows, then along columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def resize_weighted(source: Array, columns: Array, column_weights: Array, rows: Array, row_weights: Array, lines: Array,
                    out: Array) -> None:
    """``out[c, y, x] = Σ_{i,j} row_weights[y, i] column_weights[x, j] source[c, rows[y] + i, columns[x] + j]``,
    rounded; beyond the border the pixel at it counts.

    Args:
        source, out: uint8 ``(channels, height, width)``.
        columns, rows: the first neighbour, int64; the weights are float32 ``(size, neighbours)``.
        lines: workspace, float32 ``(height of source, width of out)``.
    """
    channels, height, width = out.shape
    last_row, last_column = source.shape[1] - 1, source.shape[2] - 1
    for c in range(channels):
        for y in range(last_row + 1):
            for x in range(width):
                value = np.float32(0)
                for j in range(column_weights.shape[1]):
                    value += column_weights[x, j] * source[c, y, min(max(columns[x] + j, 0), last_column)]
                lines[y, x] = value
        for y in range(height):
            for x in range(width):
                value = np.float32(0)
                for i in range(row_weights.shape[1]):
                    value += row_weights[y, i] * lines[min(max(rows[y] + i, 0), last_row), x]
                out[c, y, x] = np.uint8(min(max(np.rint(value), np.float32(0)), np.float32(255)))
