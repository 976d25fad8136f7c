"""``y = a x + b`` with one ``a`` for each row. Flat arrays; rows have ``inner`` elements, and the outer loops count
them."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def axpy(begin: int, end: int, a: Array, x: Array, b: Array, inner: int, y: Array) -> None:
    """``y[row, i] = a[row] x[row, i] + b[row, i]``"""
    for row in range(begin, end):
        for i in range(row * inner, (row + 1) * inner):
            y[i] = a[row] * x[i] + b[i]


@njit(cache=True, nogil=True)
def scale_by_row(begin: int, end: int, a: Array, dy: Array, inner: int, dx: Array) -> None:
    """``dx[row, i] = a[row] dy[row, i]``"""
    for row in range(begin, end):
        for i in range(row * inner, (row + 1) * inner):
            dx[i] = a[row] * dy[i]


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes: faster, and round less than one long chain
def row_dots(begin: int, end: int, x: Array, dy: Array, inner: int, da: Array) -> None:
    """``da[row] = Σ_i x[row, i] dy[row, i]``"""
    for row in range(begin, end):
        total = x.dtype.type(0)
        for i in range(row * inner, (row + 1) * inner):
            total += x[i] * dy[i]
        da[row] = total
