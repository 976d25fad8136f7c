"""Mean and variance, and what is divided by them. Arrays are ``(n, channels, inner)``, statistics ``(channels,)``.

The outer loops count channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from caffe_lite.kernels.arrays import copy
from caffe_lite.kernels.groups import channels_at_once

Array = Any


# reassoc: sums in vector lanes are faster and round less than one long chain, as in a BLAS
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def moments(begin: int, end: int, x: Array, mean: Array, variance: Array) -> None:
    """``mean = E[x]`` and ``variance = E[(x - mean)²]`` over n and inner."""
    zero, size = x.dtype.type(0), x.dtype.type(x.shape[0] * x.shape[2])
    step = channels_at_once(x.shape[0], x.shape[2])
    for first in range(begin, end, step):
        last = min(end, first + step)
        for c in range(first, last):
            mean[c] = variance[c] = zero
        for n in range(x.shape[0]):
            for c in range(first, last):
                part = zero
                for i in range(x.shape[2]):
                    part += x[n, c, i]
                mean[c] += part
        for c in range(first, last):
            mean[c] /= size
        for n in range(x.shape[0]):
            for c in range(first, last):
                part, m = zero, mean[c]
                for i in range(x.shape[2]):
                    part += (x[n, c, i] - m) * (x[n, c, i] - m)
                variance[c] += part
        for c in range(first, last):
            variance[c] /= size


@njit(cache=True, nogil=True, error_model="numpy")
def inverse_deviations(variance: Array, inner_eps: float, outer_eps: float, factor: Array) -> None:
    """``factor = 1 / (sqrt(variance + inner_eps) + outer_eps)``; ``factor`` may be ``variance``."""
    one = variance.dtype.type(1)
    for c in range(len(variance)):
        factor[c] = one / (np.sqrt(variance[c] + inner_eps) + outer_eps)


@njit(cache=True, nogil=True, error_model="numpy")
def stored_statistics(means: Array, variances: Array, weights: Array, eps: float, mean: Array, factor: Array) -> None:
    """``mean`` and ``factor = 1 / sqrt(variance + eps)``, of sums of which ``weights[0]`` is that of the weights."""
    one, zero = means.dtype.type(1), means.dtype.type(0)
    share = zero if weights[0] == 0 else one / weights[0]
    for c in range(len(mean)):
        mean[c] = means[c] * share
        factor[c] = one / np.sqrt(variances[c] * share + eps)


@njit(cache=True, nogil=True)
def store_statistics(mean: Array, variance: Array, fraction: float, unbiased: float, means: Array, variances: Array,
                     weights: Array) -> None:
    """Shrink the sums to a ``fraction`` and add the mean and ``unbiased`` times the variance; the weight is 1."""
    weights[0] = weights[0] * fraction + weights.dtype.type(1)
    for c in range(len(mean)):
        means[c] = means[c] * fraction + mean[c]
        variances[c] = variances[c] * fraction + variance[c] * unbiased


@njit(cache=True, nogil=True, error_model="numpy")
def fold(own: Array, means: Array, variances: Array, weights: Array, eps: float, scale: Array, bias: Array,
         factor: Array, term: Array) -> None:
    """Make ``factor x + term`` the same as ``(x + own - mean) / sqrt(variance + eps) scale + bias``.

    ``means`` and ``variances`` are sums, to be divided by ``weights[0]``, or to be left out where that is 0.
    """
    stored_statistics(means, variances, weights, eps, term, factor)
    for c in range(len(factor)):
        factor[c] *= scale[c]
        term[c] = (own[c] - term[c]) * factor[c] + bias[c]


@njit(cache=True, nogil=True)
def normalize(begin: int, end: int, x: Array, mean: Array, factor: Array, y: Array) -> None:
    """``y = (x - mean) factor``; ``y`` may be ``x``."""
    for c in range(begin, end):
        m, f = mean[c], factor[c]
        if y is x:
            for n in range(y.shape[0]):
                for i in range(y.shape[2]):
                    y[n, c, i] = (y[n, c, i] - m) * f
        else:
            for n in range(y.shape[0]):
                for i in range(y.shape[2]):
                    y[n, c, i] = (x[n, c, i] - m) * f


@njit(cache=True, nogil=True, error_model="numpy")
def normalize_batch(begin: int, end: int, x: Array, eps: float, mean: Array, variance: Array, factor: Array,
                    kept: Array, y: Array) -> None:
    """``moments``, ``factor = 1 / sqrt(variance + eps)`` and ``normalize``; and ``kept = x``.

    One channel after the other, which comes from memory once. ``y`` may be ``x``, for which ``kept`` is there; else
    ``kept`` may be.
    """
    one, inner, step = x.dtype.type(1), x.shape[2], channels_at_once(x.shape[0], x.shape[2])
    for first in range(begin, end, step):
        last = min(end, first + step)
        moments(first, last, x, mean, variance)
        for c in range(first, last):
            factor[c] = one / np.sqrt(variance[c] + eps)
        for n in range(x.shape[0]):
            if kept is not x:
                start = (n * x.shape[1] + first) * inner
                copy(x, start, kept, start, (last - first) * inner)
            for c in range(first, last):
                m, f = mean[c], factor[c]
                for i in range(inner):
                    y[n, c, i] = (kept[n, c, i] - m) * f


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})  # as in moments
def normalize_backward(begin: int, end: int, x: Array, mean: Array, factor: Array, centred: bool, scaled: bool,
                       dy: Array, dx: Array, sums: Array) -> None:
    """``dx = (dy - E[dy] - E[dy y] y) factor`` with ``y = (x - mean) factor``; ``dx`` may be ``dy``.

    The second term is for a mean, the third for a factor that was computed from ``x`` itself: ``centred`` and
    ``scaled`` say whether they were. ``sums`` is room for ``(2, channels)``.
    """
    zero, size = x.dtype.type(0), x.dtype.type(x.shape[0] * x.shape[2])
    step = channels_at_once(x.shape[0], x.shape[2])
    for first in range(begin, end, step):
        last = min(end, first + step)
        for c in range(first, last):
            sums[0, c] = sums[1, c] = zero
        for n in range(x.shape[0] if centred else 0):
            for c in range(first, last):
                part_dy, part_dy_y, m = zero, zero, mean[c]
                for i in range(x.shape[2]):
                    part_dy += dy[n, c, i]
                    part_dy_y += dy[n, c, i] * (x[n, c, i] - m)
                sums[0, c] += part_dy
                sums[1, c] += part_dy_y
        for n in range(x.shape[0]):
            for c in range(first, last):
                m, f, shift = mean[c], factor[c], sums[0, c] / size
                slope = f * f * sums[1, c] / size if scaled else zero
                if dx is dy:  # the same in one array: LLVM makes vectors of it
                    for i in range(x.shape[2]):
                        dx[n, c, i] = (dx[n, c, i] - shift - slope * (x[n, c, i] - m)) * f
                else:
                    for i in range(x.shape[2]):
                        dx[n, c, i] = (dy[n, c, i] - shift - slope * (x[n, c, i] - m)) * f
