"""The rectifier."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def relu_forward(begin: int, end: int, x: Array, slope: float, y: Array) -> None:
    """``y = max(x, 0) + slope min(x, 0)`` on flat arrays; ``y`` may be ``x``."""
    zero = x.dtype.type(0)  # a plain 0 would make it float64
    source, out = x[begin:end], y[begin:end]
    if source is out:  # where two arrays may overlap, LLVM makes no vectors
        for i in range(len(out)):
            out[i] = (out[i] if out[i] > 0 else zero) + slope * (zero if out[i] > 0 else out[i])
    else:
        for i in range(len(out)):
            out[i] = (source[i] if source[i] > 0 else zero) + slope * (zero if source[i] > 0 else source[i])


@njit(cache=True, nogil=True)
def relu_backward(begin: int, end: int, x: Array, dy: Array, slope: float, dx: Array) -> None:
    """``dx = dy (x > 0) + slope dy (x <= 0)`` on flat arrays; ``dx`` may be ``dy``.

    ``x`` may be the layer's output: for a slope that is not negative it has the same sign.
    """
    one, zero = x.dtype.type(1), x.dtype.type(0)
    source, above, out = x[begin:end], dy[begin:end], dx[begin:end]
    if above is out:
        for i in range(len(out)):
            out[i] *= one if source[i] > 0 else slope if source[i] <= 0 else zero
    else:
        for i in range(len(out)):
            out[i] = above[i] * (one if source[i] > 0 else slope if source[i] <= 0 else zero)


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes, as in bias.py
def relu_bias_backward(begin: int, end: int, y: Array, dy: Array, slope: float, n: int, channels: int, inner: int,
                       dbias: Array) -> None:
    """``relu_backward`` in place, ``y`` being the rectifier's output, and ``dbias[c] += Σ_n Σ_i dy[n, c, i]`` of the
    result, where ``dbias`` is not empty; the outer loop counts channels."""
    one, zero = y.dtype.type(1), y.dtype.type(0)
    for c in range(begin, end):
        total = zero
        for image in range(n):
            start = (image * channels + c) * inner
            top, out, part = y[start:start + inner], dy[start:start + inner], zero
            for i in range(inner):
                value = out[i] * (one if top[i] > 0 else slope if top[i] <= 0 else zero)
                out[i] = value
                part += value
            total += part
        if len(dbias):
            dbias[c] += total
