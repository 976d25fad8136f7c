"""Convolution of each channel with one filter of its own. Images are ``(n, channels, height, width)``, filters
``(channels, kernel_h, kernel_w)``; ``steps`` are stride, padding and dilation, first along the height.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def _inside(tap: int, stride: int, pad: int, dilation: int, size: int, out: int) -> tuple[int, int, int]:
    """Which of the ``out`` places see an element under a filter's tap, from and to; and where the first would see it."""
    first = tap * dilation - pad
    begin = max(0, -(first // stride))
    return begin, max(begin, min(out, (size - 1 - first) // stride + 1)), first


@njit(cache=True, nogil=True)
def depthwise_forward(begin: int, end: int, x: Array, w: Array, bias: Array, steps: Array, y: Array) -> None:
    """``y[n, c, p] = bias[c] + Σ_k w[c, k] x[n, c, p * stride - pad + k * dilation]``; the outer loop counts n and c."""
    channels, height, width = x.shape[1:]
    for plane in range(begin, end):
        n, c = plane // channels, plane % channels
        y[n, c] = bias[c]
        for i in range(w.shape[1]):
            top, bottom, row = _inside(i, steps[0], steps[2], steps[4], height, y.shape[2])
            for j in range(w.shape[2]):
                left, right, column = _inside(j, steps[1], steps[3], steps[5], width, y.shape[3])
                tap = w[c, i, j]
                for h in range(top, bottom):
                    source, target = x[n, c, row + h * steps[0]], y[n, c, h]
                    if steps[1] == 1:
                        for k in range(left, right):
                            target[k] += tap * source[k + column]
                    else:
                        for k in range(left, right):
                            target[k] += tap * source[k * steps[1] + column]


@njit(cache=True, nogil=True)
def depthwise_backward_data(begin: int, end: int, dy: Array, w: Array, steps: Array, dx: Array) -> None:
    """``dx[n, c, p * stride - pad + k * dilation] = Σ w[c, k] dy[n, c, p]``; the outer loop counts n and c."""
    channels, height, width = dx.shape[1:]
    for plane in range(begin, end):
        n, c = plane // channels, plane % channels
        dx[n, c] = 0
        for i in range(w.shape[1]):
            top, bottom, row = _inside(i, steps[0], steps[2], steps[4], height, dy.shape[2])
            for j in range(w.shape[2]):
                left, right, column = _inside(j, steps[1], steps[3], steps[5], width, dy.shape[3])
                tap = w[c, i, j]
                for h in range(top, bottom):
                    source, target = dy[n, c, h], dx[n, c, row + h * steps[0]]
                    if steps[1] == 1:
                        for k in range(left, right):
                            target[k + column] += tap * source[k]
                    else:
                        for k in range(left, right):
                            target[k * steps[1] + column] += tap * source[k]


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes: faster, and round less than one long chain
def depthwise_backward_weight(begin: int, end: int, x: Array, dy: Array, steps: Array, dw: Array) -> None:
    """``dw[c, k] += Σ_n Σ_p dy[n, c, p] x[n, c, p * stride - pad + k * dilation]``; the outer loop counts channels."""
    height, width = x.shape[2:]
    for c in range(begin, end):
        for i in range(dw.shape[1]):
            top, bottom, row = _inside(i, steps[0], steps[2], steps[4], height, dy.shape[2])
            for j in range(dw.shape[2]):
                left, right, column = _inside(j, steps[1], steps[3], steps[5], width, dy.shape[3])
                total = x.dtype.type(0)
                for n in range(x.shape[0]):
                    part = x.dtype.type(0)
                    for h in range(top, bottom):
                        source, slope = x[n, c, row + h * steps[0]], dy[n, c, h]
                        if steps[1] == 1:
                            for k in range(left, right):
                                part += slope[k] * source[k + column]
                        else:
                            for k in range(left, right):
                                part += slope[k] * source[k * steps[1] + column]
                    total += part
                dw[c, i, j] += total
