"""Max pooling undone. Small planes are ``(planes, size)``, large ones ``(planes, larger size)``; masks hold places in a
large plane. The outer loops count planes.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def first_bad_place(mask: Array, size: int) -> int:
    """The flat index of the first place that is not in a plane of ``size`` elements, or -1."""
    flat = mask.ravel()
    for i in range(flat.size):
        if not 0 <= flat[i] < size:
            return i
    return -1


@njit(cache=True, nogil=True)
def unpool(begin: int, end: int, x: Array, mask: Array, y: Array) -> None:
    """``y[mask] = x``, 0 elsewhere; of elements with one place the last counts."""
    for p in range(begin, end):
        y[p, :] = 0
        for i in range(x.shape[1]):
            y[p, int(mask[p, i])] = x[p, i]


@njit(cache=True, nogil=True)
def unpool_back(begin: int, end: int, dy: Array, mask: Array, dx: Array) -> None:
    """``dx = dy[mask]``"""
    for p in range(begin, end):
        for i in range(dx.shape[1]):
            dx[p, i] = dy[p, int(mask[p, i])]
