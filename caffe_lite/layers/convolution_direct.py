"""The fast convolution: two-dimensional, for batches that fill the lanes of a vector."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from caffe_lite.kernels.direct_convolve import convolve
from caffe_lite.kernels.direct_weights import weight_gradient
from caffe_lite.kernels.tiles import even
from caffe_lite.kernels.vector import COMPILED, REGISTERS, filled, lanes
from caffe_lite.layers.convolution_engine import Engine
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.layers.convolution_im2col import Im2colConvolution
from caffe_lite.layers.grain import enough_units
from caffe_lite.layers.partial_sums import add_parts, clear_parts
from caffe_lite.parallel import Workspace, parallel_for

Array = np.ndarray[Any, Any]
# Vectors of a tile: more do not fit into the registers, beside what they are computed from. Measured.
SUMS, PIXELS, WEIGHT_SUMS = (20, 4, 16) if REGISTERS == 32 else (9, 3, 10)
MOST_TAPS = 16  # of a filter's row; vector code for more is long
CHUNK = 1 << 22  # most elements of a packed chunk of images; larger ones leave the cache
TURNING = 9  # multiplications that take as long as to turn an output back


class DirectConvolution(Engine):
    """Its scratch memory is a chunk of images a thread."""

    def __init__(self, geometry: Geometry, dtype: Any, workspace: Workspace) -> None:
        g = self._geometry = geometry
        n = lanes(np.dtype(dtype).itemsize)
        (kernel_h, taps), (stride_h, stride), (spread_h, spread) = g.kernel, g.stride, g.dilation
        (height, width), (out_h, out_w), (pad_h, pad_w) = g.size, g.out, g.pad
        c, o, chunks = g.channels // g.group, g.outputs // g.group, -(-g.num // n)
        outs, w_outs = even(o, SUMS // min(PIXELS, out_w)), even(o, WEIGHT_SUMS // taps)
        ins = even(c, SUMS // min(PIXELS, width))
        filters, one = c * kernel_h * taps, kernel_h * taps
        self._packed = workspace.per_thread("chunk", max(g.channels * g.plane, g.outputs * g.pixels) * n, dtype)
        self._tile = workspace.per_thread("tile", max(outs * g.pixels, w_outs * g.pixels, ins * g.plane) * n, dtype)
        self._parts = workspace.per_thread("weight gradient", prod(g.weight_shape) + g.outputs, dtype)
        self._no_bias = np.zeros(max(g.channels, g.outputs), dtype)
        self._work = g.num * g.pixels * prod(g.weight_shape)
        images = (g.num, g.channels, height, g.outputs, out_h, g.group)
        self._forward = convolve(taps, stride, spread, pad_w, width, out_w, outs, PIXELS, 0)
        self._forward_count = chunks * g.group * -(-o // outs)
        self._forward_args = (*images, filters, one, o * filters, 0, taps, kernel_h, stride_h, spread_h, pad_h)
        self._weight = weight_gradient(taps, stride, spread, pad_w, width, out_w, w_outs, PIXELS)
        self._weight_count = chunks * g.group * -(-o // w_outs)
        self._weight_args = (*images, kernel_h, stride_h, spread_h, pad_h)
        self._general = None if g.stride == (1, 1) else Im2colConvolution(g, dtype, workspace)
        # The data gradient convolves the top's gradient with the filters turned around and their channels exchanged.
        self._data = convolve(taps, 1, spread, spread * (taps - 1) - pad_w, out_w, width, ins, PIXELS, 1)
        self._data_count = chunks * g.group * -(-c // ins)
        self._data_args = (g.num, g.outputs, out_h, g.channels, height, g.group, one, filters, o * filters, one - 1,
                           -taps, kernel_h, 1, spread_h, spread_h * (kernel_h - 1) - pad_h)

    @staticmethod
    def rate(g: Geometry, dtype: Any) -> float:
        """About which part of the machine's rate it reaches: the lanes that have an image, but products with the
        zeros around the images are left out."""
        n = lanes(np.dtype(dtype).itemsize)
        can = COMPILED and len(g.size) == 2 and 2 <= g.kernel[1] <= MOST_TAPS
        if not can or n * max(g.channels * g.plane, g.outputs * g.pixels) > CHUNK:
            return 0
        axes = zip(g.size, g.out, g.kernel, g.pad, g.stride, g.dilation, strict=True)
        seen = [sum(0 <= x * s - p + k * d < size for x in range(out) for k in range(kernel)) / (out * kernel)
                for size, out, kernel, p, s, d in axes]
        return filled(g.num, n) / max(prod(seen), 0.5) * g.products / (g.products + TURNING)

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array, slope: float = 1) -> None:
        parallel_for(self._forward, self._forward_count, x, w, self._no_bias if bias is None else bias, y,
                     self._packed, self._tile, *self._forward_args, y.dtype.type(slope),
                     grain=enough_units(self._forward_count, self._work))

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        if self._general is not None:
            self._general.backward_data(dy, w, dx)
            return
        parallel_for(self._data, self._data_count, dy, w, self._no_bias, dx, self._packed, self._tile,
                     *self._data_args, dx.dtype.type(1), grain=enough_units(self._data_count, self._work))

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        clear_parts(self._parts, dw.size + self._geometry.outputs)
        parallel_for(self._weight, self._weight_count, x, dy, self._parts, self._packed, self._tile,
                     *self._weight_args, grain=enough_units(self._weight_count, self._work))
        add_parts(self._parts, dw, *([] if dbias is None else [dbias]))

