"""Powers, logarithms, limits and masks. Flat arrays; ``y`` may be ``x``, ``dx`` may be ``dy``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def absval_forward(begin: int, end: int, x: Array, y: Array) -> None:
    """``y = |x|``"""
    source, out = x[begin:end], y[begin:end]
    for i in range(len(out)):
        out[i] = abs(source[i])


@njit(cache=True, nogil=True)
def absval_backward(begin: int, end: int, x: Array, y: Array, dy: Array, dx: Array) -> None:
    """``dx = dy sign x``, 0 at 0"""
    zero = x.dtype.type(0)
    source, slope, out = x[begin:end], dy[begin:end], dx[begin:end]
    for i in range(len(out)):
        out[i] = slope[i] if source[i] > 0 else -slope[i] if source[i] < 0 else zero


@njit(cache=True, nogil=True)
def clip_forward(begin: int, end: int, x: Array, y: Array, low: float, high: float) -> None:
    """``y = max(low, min(x, high))``"""
    source, out = x[begin:end], y[begin:end]
    for i in range(len(out)):
        v = high if source[i] > high else source[i]
        out[i] = v if v > low else low


@njit(cache=True, nogil=True)
def clip_backward(begin: int, end: int, x: Array, y: Array, dy: Array, dx: Array, low: float, high: float) -> None:
    """``dx = dy`` where ``low <= x <= high``, else 0"""
    zero = x.dtype.type(0)
    source, slope, out = x[begin:end], dy[begin:end], dx[begin:end]
    for i in range(len(out)):
        out[i] = slope[i] if low <= source[i] <= high else zero


@njit(cache=True, nogil=True)
def threshold_forward(begin: int, end: int, x: Array, y: Array, threshold: float) -> None:
    """``y = 1`` where ``x > threshold``, else 0"""
    one, zero = x.dtype.type(1), x.dtype.type(0)
    source, out = x[begin:end], y[begin:end]
    for i in range(len(out)):
        out[i] = one if source[i] > threshold else zero


@njit(cache=True, nogil=True)
def exp_forward(begin: int, end: int, x: Array, y: Array, inner: float, outer: float) -> None:
    """``y = outer exp(inner x)``"""
    for i in range(begin, end):
        y[i] = outer * np.exp(inner * x[i])


@njit(cache=True, nogil=True)
def exp_backward(begin: int, end: int, x: Array, y: Array, dy: Array, dx: Array, inner: float, outer: float) -> None:
    """``dx = dy y inner``"""
    top, slope, out = y[begin:end], dy[begin:end], dx[begin:end]
    for i in range(len(out)):
        out[i] = top[i] * slope[i] * inner


@njit(cache=True, nogil=True)
def log_forward(begin: int, end: int, x: Array, y: Array, factor: float, scale: float, shift: float) -> None:
    """``y = factor log(scale x + shift)``"""
    for i in range(begin, end):
        y[i] = factor * np.log(scale * x[i] + shift)


@njit(cache=True, nogil=True, error_model="numpy")  # at the pole the gradient is infinite, and no exception
def log_backward(begin: int, end: int, x: Array, y: Array, dy: Array, dx: Array, factor: float, scale: float,
                 shift: float) -> None:
    """``dx = dy factor scale / (scale x + shift)``"""
    source, slope, out = x[begin:end], dy[begin:end], dx[begin:end]
    for i in range(len(out)):
        out[i] = slope[i] * (factor * scale / (scale * source[i] + shift))


@njit(cache=True, nogil=True)
def power_forward(begin: int, end: int, x: Array, y: Array, power: float, scale: float, shift: float) -> None:
    """``y = (scale x + shift) ** power``"""
    for i in range(begin, end):
        v = scale * x[i] + shift if scale != 0 else shift
        y[i] = v if power == 1 else v ** power


@njit(cache=True, nogil=True)
def power_backward(begin: int, end: int, x: Array, y: Array, dy: Array, dx: Array, power: float, scale: float,
                   shift: float) -> None:
    """``dx = dy scale power (scale x + shift) ** (power - 1)``"""
    one = x.dtype.type(1)
    for i in range(begin, end):
        v = scale * x[i] + shift
        slope = one if power == 1 else v if power == 2 else v ** (power - one)
        dx[i] = dy[i] * (scale * power * slope)


@njit(cache=True, nogil=True)
def mask_and_scale(begin: int, end: int, x: Array, mask: Array, factor: float, y: Array) -> None:
    """``y = factor x`` where ``mask``, else 0"""
    zero = x.dtype.type(0)
    source, kept, out = x[begin:end], mask[begin:end], y[begin:end]
    if source is out:  # the same in one array: LLVM makes vectors of it
        for i in range(len(out)):
            out[i] = (out[i] if kept[i] else zero) * factor
    else:
        for i in range(len(out)):
            out[i] = (source[i] if kept[i] else zero) * factor
