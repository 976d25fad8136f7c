"""Normalization with a scale and a shift for each channel. Arrays are ``(n, channels, inner)``, the others
``(channels,)``.

The outer loops count channels.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def scaled_norm(begin: int, end: int, x: Array, mean: Array, factor: Array, scale: Array, shift: Array,
                y: Array) -> None:
    """``y = (x - mean) factor scale + shift``; ``y`` may be ``x``."""
    for c in range(begin, end):
        m, f, b = mean[c], factor[c] * scale[c], shift[c]
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                y[n, c, i] = (x[n, c, i] - m) * f + b


# reassoc: sums in vector lanes are faster and round less than one long chain, as in a BLAS
@njit(cache=True, nogil=True, fastmath={"reassoc"})
def scaled_norm_sums(begin: int, end: int, x: Array, mean: Array, factor: Array, dy: Array, sums: Array) -> None:
    """``sums[0] = Σ dy (x - mean) factor`` and ``sums[1] = Σ dy``: the gradients of scale and shift."""
    for c in range(begin, end):
        product, total = x.dtype.type(0), x.dtype.type(0)
        for n in range(x.shape[0]):
            part_product, part = x.dtype.type(0), x.dtype.type(0)
            for i in range(x.shape[2]):
                part_product += dy[n, c, i] * (x[n, c, i] - mean[c])
                part += dy[n, c, i]
            product += part_product
            total += part
        sums[0, c], sums[1, c] = product * factor[c], total


@njit(cache=True, nogil=True)
def scaled_norm_back(begin: int, end: int, x: Array, mean: Array, factor: Array, scale: Array, own: bool, sums: Array,
                     dy: Array, dx: Array) -> None:
    """``dx = (dy - E[dy] - (x - mean) factor E[dy (x - mean) factor]) factor scale``; ``dx`` may be ``dy``.

    The means are there if mean and factor are x's ``own``, otherwise constants.
    """
    size = x.dtype.type(max(1, x.shape[0] * x.shape[2]))
    zero = x.dtype.type(0)
    for c in range(begin, end):
        m, f = mean[c], factor[c] * scale[c]
        slope, offset = (sums[0, c] / size * factor[c], sums[1, c] / size) if own else (zero, zero)
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                dx[n, c, i] = (dy[n, c, i] - offset - (x[n, c, i] - m) * slope) * f
