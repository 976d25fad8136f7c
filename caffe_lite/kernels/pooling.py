"""Maximum and average over windows of ``(planes, height, width)`` values, in Caffe's order of comparison."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def window_max(x: Array, plane: int, top: int, bottom: int, left: int, taps: int, lowest: float) -> tuple[float, int]:
    """The first greatest value in rows ``top`` to ``bottom`` and ``taps`` columns from ``left`` on, clipped to the
    plane, and its place in it, counted along rows; ``lowest`` and -1 when nothing is above that."""
    width = x.shape[2]
    best, place = lowest, -1
    for h in range(top, bottom):
        for w in range(max(0, left), min(width, left + taps)):
            if x[plane, h, w] > best:
                best, place = x[plane, h, w], h * width + w
    return best, place


@njit(cache=True, nogil=True)
def max_forward(begin: int, end: int, x: Array, y: Array, mask: Array, lowest: float, kernel_h: int, kernel_w: int,
                stride_h: int, stride_w: int, pad_h: int, pad_w: int) -> None:
    """``y`` is the maximum of each window and ``mask`` its place, see ``window_max``. The outer loop counts planes."""
    height = x.shape[1]
    _, out_h, out_w = y.shape
    for p in range(begin, end):
        for i in range(out_h):
            top, bottom = max(0, i * stride_h - pad_h), min(height, i * stride_h - pad_h + kernel_h)
            for j in range(out_w):
                y[p, i, j], mask[p, i, j] = window_max(x, p, top, bottom, j * stride_w - pad_w, kernel_w, lowest)


@njit(cache=True, nogil=True)
def max_backward(begin: int, end: int, dy: Array, mask: Array, dx: Array) -> None:
    """Add each gradient to the place its value came from; ``dx`` and ``dy`` are ``(planes, size)``."""
    for p in range(begin, end):
        for i in range(dx.shape[1]):
            dx[p, i] = 0
        for i in range(dy.shape[1]):
            place = int(mask[p, i])
            if place >= 0:
                dx[p, place] += dy[p, i]


@njit(cache=True, nogil=True, error_model="numpy")  # a window beyond the image is 0 / 0 as in Caffe, and no exception
def average_forward(begin: int, end: int, x: Array, y: Array, kernel_h: int, kernel_w: int, stride_h: int,
                    stride_w: int, pad_h: int, pad_w: int) -> None:
    """The mean of each window; padding inside the padded input counts as values of 0, beyond it not at all."""
    _, height, width = x.shape
    _, out_h, out_w = y.shape
    for p in range(begin, end):
        for i in range(out_h):
            top = i * stride_h - pad_h
            bottom = min(top + kernel_h, height + pad_h)
            for j in range(out_w):
                left = j * stride_w - pad_w
                right = min(left + kernel_w, width + pad_w)
                total = x.dtype.type(0)
                for h in range(max(0, top), min(height, bottom)):
                    for w in range(max(0, left), min(width, right)):
                        total += x[p, h, w]
                y[p, i, j] = total / ((bottom - top) * (right - left))


@njit(cache=True, nogil=True, error_model="numpy")  # as above
def average_backward(begin: int, end: int, dy: Array, dx: Array, kernel_h: int, kernel_w: int, stride_h: int,
                     stride_w: int, pad_h: int, pad_w: int) -> None:
    """Share each gradient out evenly over its window."""
    _, height, width = dx.shape
    _, out_h, out_w = dy.shape
    for p in range(begin, end):
        dx[p] = 0
        for i in range(out_h):
            top = i * stride_h - pad_h
            bottom = min(top + kernel_h, height + pad_h)
            for j in range(out_w):
                left = j * stride_w - pad_w
                right = min(left + kernel_w, width + pad_w)
                share = dx.dtype.type(dy[p, i, j] / ((bottom - top) * (right - left)))
                for h in range(max(0, top), min(height, bottom)):
                    for w in range(max(0, left), min(width, right)):
                        dx[p, h, w] += share
