"""The convolution for few channels, such as those of an image: two-dimensional, without strides."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from caffe_lite.kernels.pixel_convolve import convolve
from caffe_lite.kernels.pixel_weights import add_shares, weight_gradient
from caffe_lite.kernels.tiles import even
from caffe_lite.kernels.vector import COMPILED, REGISTERS, filled, lanes
from caffe_lite.layers.convolution_engine import START, Engine
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.layers.grain import ELEMENTS, enough_units
from caffe_lite.parallel import Workspace, parallel_for

Array = np.ndarray[Any, Any]
# A tile's channels and vectors, and sums of the filters' gradient: more do not fit into the registers. Measured.
OUTS, VECTORS, SUMS = (4, 4, 20) if REGISTERS == 32 else (3, 3, 10)
FEW = 4  # channels; with more the other codes are as fast
MOST_TAPS = 16  # of a filter's row; vector code for more is long
MOST_SHIFTED = 1 << 15  # elements of an image, once for each tap of a row: more leave the cache
MOST_FILTERS = 1 << 14  # elements of all filters, of whose gradient there are shares
SUMMING = 3  # vectors of pixels that are multiplied in the time of summing the lanes of a gradient
SHARES = 16  # parts of the images, of each of which the filters' gradient is summed: the same for any number of threads


class PixelConvolution(Engine):
    """Its scratch memory is an image a thread, once for each tap of a filter's row.

    Args:
        other: what computes the input's gradient, of which a net's first layer needs none.
    """

    def __init__(self, geometry: Geometry, dtype: Any, workspace: Workspace, other: Engine) -> None:
        g, n, self._other = geometry, lanes(np.dtype(dtype).itemsize), other
        (kernel_h, taps), (out_h, out_w) = g.kernel, g.out
        size = prod(g.weight_shape) + g.outputs
        self._outputs, self._size, self._shares = g.outputs, size, max(1, min(SHARES, g.num))
        framed = g.channels * prod(length + 2 * pad for length, pad in zip(g.size, g.pad, strict=True))
        scratch = (workspace.per_thread("framed image", framed + n, dtype),
                   workspace.per_thread("shifted images", _shifted(g) + n, dtype),
                   (g.channels, *g.size, *g.pad, g.dilation[1], out_w))
        sizes = (g.outputs, out_h, kernel_h, g.dilation[0])
        outs, w_outs = even(g.outputs, OUTS), even(g.outputs, SUMS // taps)
        self._no_bias = np.zeros(g.outputs, dtype)
        self._forward, self._units = convolve(taps, outs, VECTORS), g.num * -(-g.outputs // outs)
        self._forward_args = (*scratch, *sizes)
        self._weight, self._weight_args = weight_gradient(taps, w_outs), (*scratch, g.num, self._shares, *sizes)
        self._parts = workspace.shared("shares", self._shares * size, dtype)
        self._work = g.num * g.pixels * prod(g.weight_shape)

    @staticmethod
    def rate(g: Geometry, dtype: Any) -> float:
        """About which part of the machine's rate it reaches."""
        n = lanes(np.dtype(dtype).itemsize)
        can = COMPILED and g.num and len(g.size) == 2 and g.channels <= FEW and g.group == 1 and g.stride == (1, 1)
        if (not can or not 2 <= g.kernel[1] <= MOST_TAPS or _shifted(g) > MOST_SHIFTED
                or prod(g.weight_shape) > MOST_FILTERS):
            return 0
        return (0.95 * filled(g.pixels, n) * g.products / (g.products + START)
                / (1 + SUMMING * n / g.pixels))

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array, slope: float = 1) -> None:
        parallel_for(self._forward, self._units, x, w, self._no_bias if bias is None else bias, y, *self._forward_args,
                     y.dtype.type(slope), grain=enough_units(self._units, self._work))

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        self._other.backward_data(dy, w, dx)

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        parallel_for(self._weight, self._shares, x, dy, self._parts, *self._weight_args,
                     grain=enough_units(self._shares, self._work))
        sums = self._parts, self._shares, self._size
        parallel_for(add_shares, dw.size, *sums, 0, dw, grain=ELEMENTS)
        if dbias is not None:
            parallel_for(add_shares, self._outputs, *sums, dw.size, dbias, grain=ELEMENTS)


def _shifted(g: Geometry) -> int:
    return g.channels * g.kernel[1] * (g.size[0] + 2 * g.pad[0]) * g.out[1]

