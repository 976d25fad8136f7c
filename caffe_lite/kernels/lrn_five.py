"""Local response normalization over five rows with the exponent 0.75, as nearly all nets have it.

The same numbers as in ``lrn.py``, which takes any window and exponent; here one loop does what are a dozen there, so
that values stay in registers. Arrays are ``(items, rows, columns)``, an item being an image and a row one of its
channels; columns are done in strips, as there.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def _row(x: Array, n: int, i: int, left: int, nothing: Array) -> Array:
    """The part of row i from column ``left`` on that is as long as ``nothing``, which it is outside of the item."""
    return x[n, i, left:left + len(nothing)] if 0 <= i < x.shape[1] else nothing


@njit(cache=True, nogil=True, error_model="numpy")
def lrn_five_forward(begin: int, end: int, x: Array, k: float, alpha: float, strip: int, y: Array,
                     scratch: Array) -> None:
    """``y = x scale ** -0.75`` with ``scale = k + alpha Σ x²`` over rows ``i - 2`` to ``i + 2``.

    ``scratch`` has room for a row of a strip.
    """
    rows, columns = x.shape[1:]
    strips, one = (columns + strip - 1) // strip, x.dtype.type(1)
    for unit in range(begin, end):
        n, left = unit // strips, unit % strips * strip
        nothing = scratch[:min(columns - left, strip)]
        nothing[:] = 0
        for i in range(rows):
            a, b = _row(x, n, i - 2, left, nothing), _row(x, n, i - 1, left, nothing)
            c, d = _row(x, n, i, left, nothing), _row(x, n, i + 1, left, nothing)
            e, out = _row(x, n, i + 2, left, nothing), _row(y, n, i, left, nothing)
            for j in range(len(nothing)):
                total = a[j] * a[j] + b[j] * b[j] + c[j] * c[j] + d[j] * d[j] + e[j] * e[j]
                root = sqrt(k + alpha * total)
                out[j] = c[j] * (one / (root * sqrt(root)))


@njit(cache=True, nogil=True, error_model="numpy")
def lrn_five_backward(begin: int, end: int, x: Array, k: float, alpha: float, strip: int, dy: Array, dx: Array,
                      scratch: Array) -> None:
    """``dx = dy scale ** -0.75 - 1.5 alpha x Σ (dy x scale ** -1.75)``; ``dx`` may be ``dy``.

    ``scratch`` has room for six rows of a strip.
    """
    rows, columns = x.shape[1:]
    strips, one = (columns + strip - 1) // strip, x.dtype.type(1)
    factor = x.dtype.type(1.5) * alpha
    for unit in range(begin, end):
        n, left = unit // strips, unit % strips * strip
        width = min(columns - left, strip)
        room = scratch[:6 * width].reshape(6, width)
        room[:] = 0
        nothing = room[5]
        for r in range(rows + 2):  # row r gets its ratios, row r - 2 the sum of those around it
            ratio = room[r % 5]
            if r < rows:
                a, b = _row(x, n, r - 2, left, nothing), _row(x, n, r - 1, left, nothing)
                c, d = _row(x, n, r, left, nothing), _row(x, n, r + 1, left, nothing)
                e = _row(x, n, r + 2, left, nothing)
                slope, out = _row(dy, n, r, left, nothing), _row(dx, n, r, left, nothing)
                for j in range(width):
                    total = a[j] * a[j] + b[j] * b[j] + c[j] * c[j] + d[j] * d[j] + e[j] * e[j]
                    scale = k + alpha * total
                    root = sqrt(scale)
                    straight = slope[j] * (one / (root * sqrt(root)))
                    ratio[j] = straight * c[j] / scale
                    out[j] = straight
            else:
                ratio[:] = 0
            if r >= 2:
                a, b, c, d, e = room[(r - 4) % 5], room[(r - 3) % 5], room[(r - 2) % 5], room[(r - 1) % 5], ratio
                source, out = _row(x, n, r - 2, left, nothing), _row(dx, n, r - 2, left, nothing)
                for j in range(width):
                    out[j] -= factor * source[j] * (a[j] + b[j] + c[j] + d[j] + e[j])
