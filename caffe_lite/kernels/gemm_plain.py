"""Matrix products as three plain loops: what the vector code must equal, and what runs without a compiler."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def gemm_plain(begin: int, end: int, a: Array, a0: int, a_row: int, a_col: int, b: Array, b0: int, b_row: int,
               c: Array, c0: int, c_row: int, m: int, k: int, accumulate: bool) -> None:
    """``C[i, j] = Σ_t A[i, t] B[t, j]`` for all ``m`` rows and the columns ``begin`` to ``end``.

    A, B and C lie in flat arrays from ``a0``, ``b0``, ``c0`` on. ``A[i, t]`` is ``a[a0 + i * a_row + t * a_col]``, so
    a transposed matrix is one with its steps exchanged; rows of B and C are contiguous. With ``accumulate`` the
    product is added to C.
    """
    for i in range(m):
        ci = c0 + i * c_row
        if not accumulate:
            for j in range(begin, end):
                c[ci + j] = 0
        for t in range(k):
            factor, bt = a[a0 + i * a_row + t * a_col], b0 + t * b_row
            for j in range(begin, end):
                c[ci + j] += factor * b[bt + j]


@njit(cache=True, nogil=True)
def gemm_dot_plain(begin: int, end: int, a: Array, a0: int, a_row: int, b: Array, b0: int, b_row: int,
                   c: Array, c0: int, c_row: int, m: int, k: int, accumulate: bool) -> None:
    """``C[i, j] = Σ_t A[i, t] B[j, t]`` for all ``m`` rows and the columns ``begin`` to ``end``: B is transposed.

    Rows of A, B and C are contiguous; the rest is as in ``gemm_plain``.
    """
    for i in range(m):
        for j in range(begin, end):
            total = a.dtype.type(0)
            for t in range(k):
                total += a[a0 + i * a_row + t] * b[b0 + j * b_row + t]
            if accumulate:
                c[c0 + i * c_row + j] += total
            else:
                c[c0 + i * c_row + j] = total
