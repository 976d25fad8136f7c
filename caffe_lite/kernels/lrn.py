"""Local response normalization. Arrays are ``(items, rows, columns)``.

An item is an image, ``(channels, height * width)``, whose windows reach over rows only, or a plane, ``(height,
width)``, whose windows reach over both. What lies outside of the item is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def _window_sums(a: Array, b: Array, half_rows: int, half_columns: int) -> Array:
    """The sums over the windows around every element of ``a``, in ``a`` or ``b``; the other one is scratch."""
    rows, columns = a.shape
    if half_columns:
        for i in range(rows):
            for j in range(columns):
                b[i, j] = a[i, j]
            for d in range(1, half_columns + 1):
                for j in range(columns - d):
                    b[i, j] += a[i, j + d]
                for j in range(d, columns):
                    b[i, j] += a[i, j - d]
        a, b = b, a
    for i in range(rows):
        first, last = max(0, i - half_rows), min(rows, i + half_rows + 1)
        for j in range(columns):
            b[i, j] = a[first, j]
        for r in range(first + 1, last):
            for j in range(columns):
                b[i, j] += a[r, j]
    return b


@njit(cache=True, nogil=True, error_model="numpy")
def _inverse_power(s: Array, beta: float, out: Array) -> None:
    """``out = s ** -beta``; 0.75, which nearly all nets have, without logarithm and exponential."""
    rows, columns = s.shape
    one = s.dtype.type(1)
    for i in range(rows):
        if beta == 0.75:
            for j in range(columns):
                root = np.sqrt(s[i, j])
                out[i, j] = one / (root * np.sqrt(root))
        else:
            for j in range(columns):
                out[i, j] = s[i, j] ** -beta


@njit(cache=True, nogil=True)
def lrn_forward(begin: int, end: int, x: Array, half_rows: int, half_columns: int, k: float, alpha: float, beta: float,
                scale: Array, y: Array, a: Array, b: Array) -> None:
    """``y = x scale ** -beta`` with ``scale = k + alpha Σ x²`` over the window; ``y`` may be ``x``.

    ``a`` and ``b`` are scratch of an item's shape. The outer loop counts items.
    """
    rows, columns = a.shape
    for n in range(begin, end):
        for i in range(rows):
            for j in range(columns):
                a[i, j] = x[n, i, j] * x[n, i, j]
        total = _window_sums(a, b, half_rows, half_columns)
        for i in range(rows):
            for j in range(columns):
                scale[n, i, j] = k + alpha * total[i, j]
        _inverse_power(scale[n], beta, a)
        for i in range(rows):
            for j in range(columns):
                y[n, i, j] = x[n, i, j] * a[i, j]


@njit(cache=True, nogil=True, error_model="numpy")
def lrn_backward(begin: int, end: int, x: Array, scale: Array, half_rows: int, half_columns: int, alpha: float,
                 beta: float, dy: Array, dx: Array, a: Array, b: Array) -> None:
    """``dx = dy scale ** -beta - 2 alpha beta x Σ (dy x scale ** (-beta - 1))``; ``dx`` may be ``dy``.

    ``a`` and ``b`` are scratch of an item's shape. The outer loop counts items.
    """
    rows, columns = a.shape
    factor = x.dtype.type(2) * alpha * beta
    for n in range(begin, end):
        _inverse_power(scale[n], beta, a)
        for i in range(rows):
            for j in range(columns):
                dx[n, i, j] = dy[n, i, j] * a[i, j]
                a[i, j] = dx[n, i, j] * x[n, i, j] / scale[n, i, j]
        total = _window_sums(a, b, half_rows, half_columns)
        for i in range(rows):
            for j in range(columns):
                dx[n, i, j] -= factor * x[n, i, j] * total[i, j]
