"""The gradient of two-dimensional filters with pixels in the lanes; the companion of ``pixel_convolve``.

A tile of some filters x one row of their taps stays in registers over all pixels of an image; then its lanes are
summed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import njit

from caffe_lite.kernels.arrays import clear
from caffe_lite.kernels.bias import add_row_sums
from caffe_lite.kernels.gemm_vector import dot_tile
from caffe_lite.kernels.shifted import shift
from caffe_lite.kernels.vector import constant, sized

Array = Any


@cache
def weight_gradient(taps: int, outs: int) -> Any:
    """The gradient of filters with rows of so many taps, some filters at a time."""

    @njit(cache=True, nogil=True)
    @sized(taps, outs)
    def pixel_weights(begin: int, end: int, x: Array, dy: Array, dw: Array, framed: Array, shifted: Array, frame: Any,
                      num: int, shares: int, outputs: int, out_h: int, kernel_h: int, dilation_h: int) -> None:
        """The gradients that each of ``shares`` parts of the images has, of the filters and behind them of the biases,
        one part's after the other's in ``dw``; the outer loop counts parts."""
        channels, height, _, pad_h, _, _, out = frame
        pixels, tap, filters = out_h * out, (height + 2 * pad_h) * out, channels * kernel_h * taps
        size = outputs * (filters + 1)
        for share in range(begin, end):
            start = share * size
            clear(start, start + size, dw)
            for image in range(num * share // shares, num * (share + 1) // shares):
                shift(x, image, frame, constant(taps), framed, shifted)
                for o in range(0, outputs, outs):
                    valid, first = min(outs, outputs - o), (image * outputs + o) * pixels
                    add_row_sums(dy[first:first + valid * pixels], valid, pixels, dw, start + outputs * filters + o)
                    for row in range(channels * kernel_h):
                        seen = row // kernel_h * taps * tap + row % kernel_h * dilation_h * out
                        dot_tile(dy, first, pixels, shifted, seen, tap, dw, start + o * filters + row * taps, filters,
                                 valid, taps, pixels, True, outs, taps)

    return pixel_weights


@njit(cache=True, nogil=True)
def add_shares(begin: int, end: int, parts: Array, shares: int, size: int, first: int, out: Array) -> None:
    """``out[i] += Σ_s parts[s * size + first + i]``; the sum is complete before it is added."""
    for i in range(begin, end):
        total = parts[first + i]
        for share in range(1, shares):
            total += parts[share * size + first + i]
        out[i] += total
