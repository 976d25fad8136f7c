"""Several blobs into one, element by element. Flat arrays; the output may be the first input."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def weighted_sum(begin: int, end: int, a: Array, alpha: float, b: Array, beta: float, slope: float, y: Array) -> None:
    """``y = max(s, 0) + slope min(s, 0)`` of the sum ``s = alpha a + beta b``"""
    zero = a.dtype.type(0)
    first, second, out = a[begin:end], b[begin:end], y[begin:end]
    for i in range(len(out)):
        total = alpha * first[i] + beta * second[i]
        out[i] = (total if total > 0 else zero) + slope * (zero if total > 0 else total)


@njit(cache=True, nogil=True)
def multiple(begin: int, end: int, a: Array, alpha: float, y: Array) -> None:
    """``y = alpha a``"""
    source, out = a[begin:end], y[begin:end]
    for i in range(len(out)):
        out[i] = alpha * source[i]


@njit(cache=True, nogil=True)
def product(begin: int, end: int, a: Array, b: Array, y: Array) -> None:
    """``y = a b``"""
    first, second, out = a[begin:end], b[begin:end], y[begin:end]
    for i in range(len(out)):
        out[i] = first[i] * second[i]


@njit(cache=True, nogil=True, error_model="numpy")  # where x is 0 this is NaN, and no exception
def quotient_times(begin: int, end: int, y: Array, x: Array, dy: Array, dx: Array) -> None:
    """``dx = y / x dy``"""
    top, bottom, slope, out = y[begin:end], x[begin:end], dy[begin:end], dx[begin:end]
    for i in range(len(out)):
        out[i] = top[i] / bottom[i] * slope[i]


@njit(cache=True, nogil=True)
def larger(begin: int, end: int, a: Array, b: Array, y: Array, which: Array) -> None:
    """``y = max(a, b)``, and in ``which`` 0 where it is a, 1 where it is b or both are equal."""
    first, second, out, number = a[begin:end], b[begin:end], y[begin:end], which[begin:end]
    for i in range(len(out)):
        greater = first[i] > second[i]
        out[i] = first[i] if greater else second[i]
        number[i] = 0 if greater else 1


@njit(cache=True, nogil=True)
def raise_to(begin: int, end: int, x: Array, number: int, y: Array, which: Array) -> None:
    """``y = max(y, x)``, and ``number`` in ``which`` where x is larger."""
    source, out, place = x[begin:end], y[begin:end], which[begin:end]
    for i in range(len(out)):
        greater = source[i] > out[i]
        out[i] = source[i] if greater else out[i]
        place[i] = number if greater else place[i]


@njit(cache=True, nogil=True)
def where_equal(begin: int, end: int, which: Array, number: int, dy: Array, dx: Array) -> None:
    """``dx = dy`` where ``which`` is ``number``, else 0"""
    zero = dy.dtype.type(0)
    place, slope, out = which[begin:end], dy[begin:end], dx[begin:end]
    for i in range(len(out)):
        out[i] = slope[i] if place[i] == number else zero
