"""Local response normalization. Arrays are ``(items, rows, columns)``.

An item is an image, ``(channels, height * width)``, whose windows reach over rows only, or a plane, ``(height,
width)``, whose windows reach over both. What lies outside of the item is 0.

A pass goes down the rows and keeps those that the window reaches over in a ring, so that everything is read once, in
the order of memory, and the scales are computed again in the backward pass instead of being kept.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def _widen(values: Array, half: int, out: Array) -> None:
    """``out[j]`` is the sum of ``values`` from ``j - half`` to ``j + half``."""
    columns = len(values)
    for j in range(columns):
        out[j] = values[j]
    for d in range(1, half + 1):
        for j in range(columns - d):
            out[j] += values[j + d]
        for j in range(d, columns):
            out[j] += values[j - d]


@njit(cache=True, nogil=True)
def _squares(x: Array, half: int, out: Array, spare: Array) -> None:
    """The squares of a row, summed over what the window reaches of it."""
    squares = spare if half else out
    for j in range(len(x)):
        squares[j] = x[j] * x[j]
    if half:
        _widen(squares, half, out)


@njit(cache=True, nogil=True)
def _ring_sum(ring: Array, first: int, last: int, out: Array) -> None:
    """``out`` is the sum of the rows ``first`` to ``last``, which is not included."""
    row = ring[first % len(ring)]
    for j in range(len(out)):
        out[j] = row[j]
    for r in range(first + 1, last):
        row = ring[r % len(ring)]
        for j in range(len(out)):
            out[j] += row[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _scale_and_power(total: Array, k: float, alpha: float, beta: float, power: Array) -> None:
    """``total = k + alpha total`` and ``power = total ** -beta``; 0.75, which nearly all nets have, without logarithm
    and exponential."""
    one = total.dtype.type(1)
    for j in range(len(total)):
        total[j] = k + alpha * total[j]
    if beta == 0.75:
        for j in range(len(total)):
            root = sqrt(total[j])
            power[j] = one / (root * sqrt(root))
    else:
        for j in range(len(total)):
            power[j] = total[j] ** -beta


@njit(cache=True, nogil=True)
def lrn_forward(begin: int, end: int, x: Array, half_rows: int, half_columns: int, k: float, alpha: float, beta: float,
                strip: int, y: Array, scratch: Array) -> None:
    """``y = x scale ** -beta`` with ``scale = k + alpha Σ x²`` over the window; ``y`` may be ``x``.

    The outer loop counts strips of ``strip`` columns, one item's after the other's, over whose sides windows must not
    reach. ``scratch`` has room for ``2 half_rows + 3`` rows of a strip.
    """
    rows, columns = x.shape[1:]
    strips, size = (columns + strip - 1) // strip, 2 * half_rows + 1
    for unit in range(begin, end):
        n, left = unit // strips, unit % strips * strip
        width = min(columns - left, strip)
        room = scratch[:(size + 2) * width].reshape(size + 2, width)
        ring, total, power = room[:size], room[size], room[size + 1]
        ready = 0
        for i in range(rows):
            while ready < min(rows, i + half_rows + 1):
                _squares(x[n, ready, left:left + width], half_columns, ring[ready % size], total)
                ready += 1
            _ring_sum(ring, max(0, i - half_rows), ready, total)
            _scale_and_power(total, k, alpha, beta, power)
            source, out = x[n, i, left:left + width], y[n, i, left:left + width]
            for j in range(width):
                out[j] = source[j] * power[j]


@njit(cache=True, nogil=True, error_model="numpy")
def lrn_backward(begin: int, end: int, x: Array, half_rows: int, half_columns: int, k: float, alpha: float, beta: float,
                 strip: int, dy: Array, dx: Array, scratch: Array) -> None:
    """``dx = dy scale ** -beta - 2 alpha beta x Σ (dy x scale ** (-beta - 1))``; ``dx`` may be ``dy``.

    Counts as ``lrn_forward``; ``scratch`` has room for ``4 half_rows + 4`` rows of a strip.
    """
    rows, columns = x.shape[1:]
    strips, size = (columns + strip - 1) // strip, 2 * half_rows + 1
    factor = x.dtype.type(2) * alpha * beta
    for unit in range(begin, end):
        n, left = unit // strips, unit % strips * strip
        width = min(columns - left, strip)
        room = scratch[:(2 * size + 2) * width].reshape(2 * size + 2, width)
        ring, ratios, total, power = room[:size], room[size:2 * size], room[2 * size], room[2 * size + 1]
        squared = ready = 0
        for i in range(rows):
            while ready < min(rows, i + half_rows + 1):
                while squared < min(rows, ready + half_rows + 1):
                    _squares(x[n, squared, left:left + width], half_columns, ring[squared % size], total)
                    squared += 1
                _ring_sum(ring, max(0, ready - half_rows), squared, total)
                _scale_and_power(total, k, alpha, beta, power)
                source, slope = x[n, ready, left:left + width], dy[n, ready, left:left + width]
                out, ratio = dx[n, ready, left:left + width], ratios[ready % size]
                for j in range(width):
                    out[j] = slope[j] * power[j]
                    total[j] = out[j] * source[j] / total[j]
                _widen(total, half_columns, ratio)
                ready += 1
            _ring_sum(ratios, max(0, i - half_rows), ready, total)
            source, out = x[n, i, left:left + width], dx[n, i, left:left + width]
            for j in range(width):
                out[j] -= factor * source[j] * total[j]
