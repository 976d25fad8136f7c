"""Biases: one number for each channel of ``(n, channels, inner)`` values."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def add_bias(begin: int, end: int, y: Array, bias: Array, inner: int) -> None:
    """``y[n, c, i] += bias[c]``; the outer loop counts n and c together."""
    for p in range(begin, end):
        b, row = bias[p % len(bias)], y[p * inner:(p + 1) * inner]
        for i in range(inner):
            row[i] += b


@njit(cache=True, nogil=True)
def set_rows(y: Array, bias: Array) -> None:
    """``y[m, o] = bias[o]`` on flat arrays."""
    for first in range(0, len(y), len(bias)):
        row = y[first:first + len(bias)]
        for o in range(len(bias)):
            row[o] = bias[o]


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes: faster, and rounds less than one long chain
def bias_gradient(begin: int, end: int, dy: Array, n: int, inner: int, dbias: Array) -> None:
    """``dbias[c] += Σ_n Σ_i dy[n, c, i]``; the outer loop counts channels.

    The sum is complete before it is added, as in Caffe: where two layers share a bias and their gradients are
    opposite, it stays exactly 0.
    """
    for c in range(begin, end):
        total = dy.dtype.type(0)
        for image in range(n):
            start = (image * len(dbias) + c) * inner
            row, part = dy[start:start + inner], dy.dtype.type(0)
            for i in range(inner):
                part += row[i]
            total += part
        dbias[c] += total


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # as above
def add_row_sums(rows: Array, count: int, size: int, out: Array, first: int) -> None:
    """``out[first + r] += Σ_i rows[r, i]`` for ``count`` rows of ``size`` elements."""
    for r in range(count):
        row, total = rows[r * size:(r + 1) * size], rows.dtype.type(0)
        for i in range(size):
            total += row[i]
        out[first + r] += total
