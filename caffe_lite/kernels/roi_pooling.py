"""Max pooling over regions. Images are ``(n, channels, height, width)``, regions rows of an image's number, x1, y1, x2
and y2, tops ``(regions, channels, rows, columns)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def _round(value: Any) -> int:
    """To the nearest whole number, halves away from 0, as C rounds."""
    return int(np.floor(value + 0.5)) if value >= 0 else -int(np.floor(-value + 0.5))


@njit(cache=True, nogil=True)
def first_bad_region(regions: Array, images: int) -> int:
    """The first region whose image is none of the batch, or -1."""
    for r in range(len(regions)):
        if not 0 <= int(regions[r, 0]) < images:
            return r
    return -1


@njit(cache=True, nogil=True)
def _bin(begin: Any, end: Any, start: int, limit: int) -> tuple[int, int]:
    """The elements from ``begin`` to ``end`` of a region, in an axis of ``limit`` elements."""
    first, last = int(np.floor(begin)) + start, int(np.ceil(end)) + start
    return min(max(first, 0), limit), min(max(last, 0), limit)


@njit(cache=True, nogil=True)
def roi_pool(begin: int, end: int, x: Array, regions: Array, scale: float, y: Array, mask: Array) -> None:
    """``y`` is the largest element of each bin and ``mask`` its place in the plane, or 0 and -1 for an empty bin.

    A bin reaches from ``floor`` of its begin to ``ceil`` of its end, so that neighbours may overlap. The outer loop
    counts regions.
    """
    _, _, height, width = x.shape
    _, channels, rows, columns = y.shape
    number = x.dtype.type
    for r in range(begin, end):
        image = int(regions[r, 0])
        left, top = _round(regions[r, 1] * scale), _round(regions[r, 2] * scale)
        right, bottom = _round(regions[r, 3] * scale), _round(regions[r, 4] * scale)
        bin_h = number(max(bottom - top + 1, 1)) / number(rows)
        bin_w = number(max(right - left + 1, 1)) / number(columns)
        for c in range(channels):
            for row in range(rows):
                first_row, last_row = _bin(number(row) * bin_h, number(row + 1) * bin_h, top, height)
                for column in range(columns):
                    first, last = _bin(number(column) * bin_w, number(column + 1) * bin_w, left, width)
                    best, place = number(0), -1
                    for h in range(first_row, last_row):
                        for w in range(first, last):
                            if place < 0 or x[image, c, h, w] > best:
                                best, place = x[image, c, h, w], h * width + w
                    y[r, c, row, column], mask[r, c, row, column] = best, place


@njit(cache=True, nogil=True)
def roi_pool_back(begin: int, end: int, dy: Array, mask: Array, regions: Array, scale: float, dx: Array) -> None:
    """``dx[place] = Σ dy`` over the bins whose largest element it was; the outer loop counts channels.

    A place that rounding put outside of its region gets nothing, nor does a region that ends before it begins.
    """
    width = dx.shape[3]
    for c in range(begin, end):
        dx[:, c] = 0
        for r in range(len(regions)):
            image = int(regions[r, 0])
            left, top = _round(regions[r, 1] * scale), _round(regions[r, 2] * scale)
            right, bottom = _round(regions[r, 3] * scale), _round(regions[r, 4] * scale)
            for row in range(dy.shape[2]):
                for column in range(dy.shape[3]):
                    place = mask[r, c, row, column]
                    h, w = place // width, place % width
                    if place >= 0 and top <= h <= bottom and left <= w <= right:
                        dx[image, c, h, w] += dy[r, c, row, column]
