"""The largest values and where they are."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def largest(begin: int, end: int, x: Array, top_k: int, step: int, place_at: int, value_at: int, y: Array) -> None:
    """The ``top_k`` largest of ``x[n, :, k]`` for each n and k, largest first; of equal ones the last comes first.

    The j-th goes to ``y[n step + j inner + k]`` of the flat ``y``: its place along the middle axis from
    ``place_at`` on, its value from ``value_at`` on; a start below 0 means that it is not wanted.
    """
    inner = x.shape[2]
    for n in range(begin, end):
        for k in range(inner):
            last = -1
            for j in range(top_k):
                best = -1
                for d in range(x.shape[1]):
                    v = x[n, d, k]
                    taken = last >= 0 and not (v < x[n, last, k] or (v == x[n, last, k] and d < last))
                    if not taken and (best < 0 or v >= x[n, best, k]):
                        best = d
                if best >= 0:  # a NaN compares with nothing: then the one before is repeated
                    last = best
                if place_at >= 0:
                    y[place_at + n * step + j * inner + k] = last
                if value_at >= 0:
                    y[value_at + n * step + j * inner + k] = x[n, last, k]
