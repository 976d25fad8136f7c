"""Local response normalization. Arrays are ``(items, rows, columns)``.

An item is an image, ``(channels, height * width)``, whose windows reach over rows only, or a plane, ``(height,
width)``, whose windows reach over both. What lies outside of the item is 0.

A pass goes down the rows and keeps those that the window reaches over in a ring, so that everything is read once, in
the order of memory, and the scales are computed again in the backward pass instead of being kept. Rows of a small plane
are too short for loops over vectors: those of several are put side by side, with zeros between them as wide as half a
window.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from numba import njit

from caffe_lite.kernels.arrays import copy

Array = Any


@njit(cache=True, nogil=True)
def _side_by_side(x: Array, first: int, count: int, i: int, left: int, width: int, gap: int, out: Array) -> None:
    """Row ``i`` of ``count`` items from column ``left`` on, zeros behind each."""
    for p in range(count):
        row = out[p * (width + gap):(p + 1) * (width + gap)]
        copy(x, ((first + p) * x.shape[1] + i) * x.shape[2] + left, row, 0, width)
        for j in range(width, len(row)):
            row[j] = 0


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
                together: int, strip: int, y: Array, scratch: Array) -> None:
    """``y = x scale ** -beta`` with ``scale = k + alpha Σ x²`` over the window; ``y`` may be ``x``.

    The outer loop counts strips of ``strip`` columns, over whose sides windows must not reach, of ``together`` items.
    ``scratch`` has room for ``2 half_rows + 3`` rows, side by side.
    """
    items, rows, columns = x.shape
    strips, size = (columns + strip - 1) // strip, 2 * half_rows + 1
    for unit in range(begin, end):
        first, left = unit // strips * together, unit % strips * strip
        count, width = min(items - first, together), min(columns - left, strip)
        step = width + half_columns
        room = scratch[:(size + 2) * count * step].reshape(size + 2, count * step)
        ring, total, power = room[:size], room[size], room[size + 1]
        ready = 0
        for i in range(rows):
            while ready < min(rows, i + half_rows + 1):
                _side_by_side(x, first, count, ready, left, width, half_columns, power)
                _squares(power, half_columns, ring[ready % size], total)
                ready += 1
            _ring_sum(ring, max(0, i - half_rows), ready, total)
            _scale_and_power(total, k, alpha, beta, power)
            for p in range(count):
                source, out = x[first + p, i, left:left + width], y[first + p, i, left:left + width]
                factor = power[p * step:(p + 1) * step]
                for j in range(width):
                    out[j] = source[j] * factor[j]


@njit(cache=True, nogil=True, error_model="numpy")
def lrn_backward(begin: int, end: int, x: Array, half_rows: int, half_columns: int, k: float, alpha: float, beta: float,
                 together: int, strip: int, dy: Array, dx: Array, scratch: Array) -> None:
    """``dx = dy scale ** -beta - 2 alpha beta x Σ (dy x scale ** (-beta - 1))``; ``dx`` may be ``dy``.

    Counts as ``lrn_forward``; ``scratch`` has room for ``4 half_rows + 6`` rows, side by side.
    """
    items, rows, columns = x.shape
    strips, size = (columns + strip - 1) // strip, 2 * half_rows + 1
    factor = x.dtype.type(2) * alpha * beta
    for unit in range(begin, end):
        first, left = unit // strips * together, unit % strips * strip
        count, width = min(items - first, together), min(columns - left, strip)
        step = width + half_columns
        room = scratch[:(2 * size + 4) * count * step].reshape(2 * size + 4, count * step)
        ring, ratios, total, power = room[:size], room[size:2 * size], room[2 * size], room[2 * size + 1]
        source, slope = room[2 * size + 2], room[2 * size + 3]
        squared = ready = 0
        for i in range(rows):
            while ready < min(rows, i + half_rows + 1):
                while squared < min(rows, ready + half_rows + 1):
                    _side_by_side(x, first, count, squared, left, width, half_columns, power)
                    _squares(power, half_columns, ring[squared % size], total)
                    squared += 1
                _ring_sum(ring, max(0, ready - half_rows), squared, total)
                _scale_and_power(total, k, alpha, beta, power)
                _side_by_side(x, first, count, ready, left, width, half_columns, source)
                _side_by_side(dy, first, count, ready, left, width, half_columns, slope)
                for j in range(len(total)):
                    slope[j] *= power[j]
                    total[j] = slope[j] * source[j] / total[j]
                _widen(total, half_columns, ratios[ready % size])
                for p in range(count):
                    copy(slope, p * step, dx[first + p, ready, left:left + width], 0, width)
                ready += 1
            _ring_sum(ratios, max(0, i - half_rows), ready, total)
            for p in range(count):
                here, out = x[first + p, i, left:left + width], dx[first + p, i, left:left + width]
                sums = total[p * step:(p + 1) * step]
                for j in range(width):
                    out[j] -= factor * here[j] * sums[j]
