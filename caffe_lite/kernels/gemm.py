"""Matrix products: the vector code where there is a compiler, else the plain loops."""

from __future__ import annotations

from typing import Any

from numba import njit

from caffe_lite.kernels.gemm_plain import gemm_dot_plain, gemm_plain
from caffe_lite.kernels.gemm_vector import gemm_dot_vector, gemm_vector
from caffe_lite.kernels.vector import COMPILED, constant

gemm = gemm_vector if COMPILED else gemm_plain
gemm_dot = gemm_dot_vector if COMPILED else gemm_dot_plain


@njit(cache=True, nogil=True)
def outer(begin: int, end: int, a: Any, rows: int, b: Any, columns: int, c: Any, depth: int, add: bool) -> None:
    """``c[i, j] = Σ_t a[t, i] b[t, j]`` on flat arrays, or ``add`` it; the outer loop counts rows: two threads in one
    would wait for each other."""
    none, one = constant(0), constant(1)
    gemm(none, columns, a, begin, one, rows, b, none, columns, c, begin * columns, columns, end - begin, depth, add)


@njit(cache=True, nogil=True)
def gemm_halves(begin: int, end: int, a: Any, a_row: int, b: Any, columns: int, c: Any, other: Any, m: int,
                k: int) -> None:
    """The products of the first and of the second half of the depth ``k``, of which ``c`` and ``other`` are
    overwritten; the outer loop counts the columns of the one, then those of the other."""
    none, one = constant(0), constant(1)
    for first, last, lo, hi in ((none, k // 2, min(begin, columns), min(end, columns)),
                                (k // 2, k, max(begin, columns) - columns, max(end, columns) - columns)):
        gemm(lo, hi, a, first, a_row, one, b, first * columns, columns, other if first else c, none, columns, m,
             last - first, False)
