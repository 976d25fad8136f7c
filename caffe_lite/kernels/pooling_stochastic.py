"""Stochastic pooling over windows of ``(planes, height, width)`` values, which should not be negative.

The outer loops count planes. Source: Zeiler, Fergus, "Stochastic pooling for regularization of deep convolutional
neural networks", 2013; Caffe's pooling_layer.cu.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def _drawn(x: Array, plane: int, top: int, bottom: int, left: int, right: int, chance: float) -> int:
    """The place in the plane of the first value at which the running sum reaches ``chance`` of the whole sum, or -1."""
    total = running = x.dtype.type(0)
    for h in range(top, bottom):
        for w in range(left, right):
            total += x[plane, h, w]
    for h in range(top, bottom):
        for w in range(left, right):
            running += x[plane, h, w]
            if running >= chance * total:
                return h * x.shape[2] + w
    return -1


@njit(cache=True, nogil=True)
def stochastic_forward(begin: int, end: int, x: Array, chance: Array, y: Array, mask: Array, kernel_h: int,
                       kernel_w: int, stride_h: int, stride_w: int) -> None:
    """``y`` is one value of each window, drawn with a probability proportional to it, and ``mask`` its place.

    ``chance``, from 0 to 1, decides. Nothing may be drawn from a window with a negative or no finite sum: then ``y`` is
    0 and ``mask`` -1.
    """
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    for p in range(begin, end):
        for i in range(out_h):
            top, bottom = i * stride_h, min(height, i * stride_h + kernel_h)
            for j in range(out_w):
                left, right = j * stride_w, min(width, j * stride_w + kernel_w)
                place = _drawn(x, p, top, bottom, left, right, chance[p, i, j])
                mask[p, i, j] = place
                y[p, i, j] = x[p, place // width, place % width] if place >= 0 else x.dtype.type(0)


@njit(cache=True, nogil=True, error_model="numpy")
def expected_forward(begin: int, end: int, x: Array, y: Array, kernel_h: int, kernel_w: int, stride_h: int,
                     stride_w: int) -> None:
    """What a drawn value is on average: ``y = Σ x² / Σ x`` over each window, 0 where the sum is not positive."""
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    zero = x.dtype.type(0)
    for p in range(begin, end):
        for i in range(out_h):
            for j in range(out_w):
                total, squares = zero, zero
                for h in range(i * stride_h, min(height, i * stride_h + kernel_h)):
                    for w in range(j * stride_w, min(width, j * stride_w + kernel_w)):
                        total += x[p, h, w]
                        squares += x[p, h, w] * x[p, h, w]
                y[p, i, j] = squares / total if total > 0 else zero


@njit(cache=True, nogil=True, error_model="numpy")
def expected_backward(begin: int, end: int, x: Array, y: Array, dy: Array, dx: Array, kernel_h: int, kernel_w: int,
                      stride_h: int, stride_w: int) -> None:
    """``dx = Σ dy (2 x - y) / Σ x`` over the windows that x is in."""
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    two = x.dtype.type(2)
    for p in range(begin, end):
        dx[p] = 0
        for i in range(out_h):
            top, bottom = i * stride_h, min(height, i * stride_h + kernel_h)
            for j in range(out_w):
                left, right = j * stride_w, min(width, j * stride_w + kernel_w)
                total = x.dtype.type(0)
                for h in range(top, bottom):
                    for w in range(left, right):
                        total += x[p, h, w]
                if total > 0:
                    share = dy[p, i, j] / total
                    for h in range(top, bottom):
                        for w in range(left, right):
                            dx[p, h, w] += share * (two * x[p, h, w] - y[p, i, j])
