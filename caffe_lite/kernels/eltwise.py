"""Several blobs into one, element by element. Flat arrays; the output may be the first input."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def weighted_sum(begin: int, end: int, a: Array, alpha: float, b: Array, beta: float, y: Array) -> None:
    """``y = alpha a + beta b``"""
    for i in range(begin, end):
        y[i] = alpha * a[i] + beta * b[i]


@njit(cache=True, nogil=True)
def multiple(begin: int, end: int, a: Array, alpha: float, y: Array) -> None:
    """``y = alpha a``"""
    for i in range(begin, end):
        y[i] = alpha * a[i]


@njit(cache=True, nogil=True)
def product(begin: int, end: int, a: Array, b: Array, y: Array) -> None:
    """``y = a b``"""
    for i in range(begin, end):
        y[i] = a[i] * b[i]


@njit(cache=True, nogil=True, error_model="numpy")  # where x is 0 this is NaN, and no exception
def quotient_times(begin: int, end: int, y: Array, x: Array, dy: Array, dx: Array) -> None:
    """``dx = y / x dy``"""
    for i in range(begin, end):
        dx[i] = y[i] / x[i] * dy[i]


@njit(cache=True, nogil=True)
def larger(begin: int, end: int, a: Array, b: Array, y: Array, which: Array) -> None:
    """``y = max(a, b)``, and in ``which`` 0 where it is a, 1 where it is b or both are equal."""
    for i in range(begin, end):
        first = a[i] > b[i]
        y[i] = a[i] if first else b[i]
        which[i] = 0 if first else 1


@njit(cache=True, nogil=True)
def raise_to(begin: int, end: int, x: Array, number: int, y: Array, which: Array) -> None:
    """``y = max(y, x)``, and ``number`` in ``which`` where x is larger."""
    for i in range(begin, end):
        if x[i] > y[i]:
            y[i] = x[i]
            which[i] = number


@njit(cache=True, nogil=True)
def where_equal(begin: int, end: int, which: Array, number: int, dy: Array, dx: Array) -> None:
    """``dx = dy`` where ``which`` is ``number``, else 0"""
    zero = dy.dtype.type(0)
    for i in range(begin, end):
        dx[i] = dy[i] if which[i] == number else zero
