"""Mean and variance, and what is divided by them. Arrays are ``(n, channels, inner)``, statistics ``(channels,)``.

The outer loops count channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


# reassoc: sums in vector lanes are faster and round less than one long chain, as in a BLAS
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def moments(begin: int, end: int, x: Array, mean: Array, variance: Array) -> None:
    """``mean = E[x]`` and ``variance = E[(x - mean)²]`` over n and inner."""
    size = x.dtype.type(x.shape[0] * x.shape[2])
    for c in range(begin, end):
        total = x.dtype.type(0)
        for n in range(x.shape[0]):
            part = x.dtype.type(0)
            for i in range(x.shape[2]):
                part += x[n, c, i]
            total += part
        mean[c] = total / size
        total = x.dtype.type(0)
        for n in range(x.shape[0]):
            part = x.dtype.type(0)
            for i in range(x.shape[2]):
                part += (x[n, c, i] - mean[c]) * (x[n, c, i] - mean[c])
            total += part
        variance[c] = total / size


@njit(cache=True, nogil=True, error_model="numpy")
def inverse_deviations(variance: Array, inner_eps: float, outer_eps: float, factor: Array) -> None:
    """``factor = 1 / (sqrt(variance + inner_eps) + outer_eps)``; ``factor`` may be ``variance``."""
    one = variance.dtype.type(1)
    for c in range(len(variance)):
        factor[c] = one / (np.sqrt(variance[c] + inner_eps) + outer_eps)


@njit(cache=True, nogil=True)
def normalize(begin: int, end: int, x: Array, mean: Array, factor: Array, y: Array) -> None:
    """``y = (x - mean) factor``; ``y`` may be ``x``."""
    for c in range(begin, end):
        m, f = mean[c], factor[c]
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                y[n, c, i] = (x[n, c, i] - m) * f


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})  # as in moments
def normalize_backward(begin: int, end: int, x: Array, mean: Array, factor: Array, centred: bool, scaled: bool,
                       dy: Array, dx: Array) -> None:
    """``dx = (dy - E[dy] - E[dy y] y) factor`` with ``y = (x - mean) factor``; ``dx`` may be ``dy``.

    The second term is for a mean, the third for a factor that was computed from ``x`` itself: ``centred`` and
    ``scaled`` say whether they were.
    """
    size = x.dtype.type(x.shape[0] * x.shape[2])
    for c in range(begin, end):
        m, f = mean[c], factor[c]
        sum_dy, sum_dy_y = x.dtype.type(0), x.dtype.type(0)
        if centred:
            for n in range(x.shape[0]):
                part_dy, part_dy_y = x.dtype.type(0), x.dtype.type(0)
                for i in range(x.shape[2]):
                    part_dy += dy[n, c, i]
                    part_dy_y += dy[n, c, i] * (x[n, c, i] - m)
                sum_dy += part_dy
                sum_dy_y += part_dy_y
        shift = sum_dy / size
        slope = f * f * sum_dy_y / size if scaled else x.dtype.type(0)
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                dx[n, c, i] = (dy[n, c, i] - shift - slope * (x[n, c, i] - m)) * f
