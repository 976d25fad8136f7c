"""The fast convolution: two-dimensional, for batches."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from caffe_lite.kernels.bias import add_partial_sums
from caffe_lite.kernels.direct import convolve, weight_gradient
from caffe_lite.kernels.vector import REGISTERS, lanes
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.parallel import PerThread, parallel_for, threads

Array = np.ndarray[Any, Any]
SUMS = 20 if REGISTERS == 32 else 12


class DirectConvolution:
    def __init__(self, geometry: Geometry, dtype: Any) -> None:
        g = self._g = geometry
        self._dtype = dtype
        n = lanes(np.dtype(dtype).itemsize)
        self._chunks = -(-g.num // n)
        self.outs, self.pixels = 5, 4
        w = (g.kernel[1], g.stride[1], g.dilation[1], g.pad[1], g.size[1], g.out[1])
        self._forward = convolve(*w, self.outs, self.pixels, 0)
        self.wouts = max(1, SUMS // g.kernel[1])
        self._weight = weight_gradient(*w, self.wouts, 4)
        self._data = convolve(w[0], 1, w[2], w[2] * (w[0] - 1) - w[3], w[5], w[4], self.outs, 4, 1)
        self._packed = PerThread([np.zeros(max(g.channels * g.plane, g.outputs * g.pixels) * n, dtype) for _ in range(threads())])
        self._tile = PerThread([np.zeros(max(self.outs, self.wouts) * max(g.plane, g.pixels) * n, dtype) for _ in range(threads())])
        self._parts = np.empty((threads(), prod(g.weight_shape)), dtype)
        self._zero = np.zeros(max(g.channels, g.outputs), dtype)

    def forward(self, x, w, bias, y):
        g = self._g
        kh, kw = g.kernel
        ci = g.channels // g.group
        part = g.outputs // g.group
        parallel_for(self._forward, self._chunks * g.group * -(-part // self.outs), x, w, self._zero if bias is None else bias, y,
                     self._packed, self._tile, g.num, g.channels, g.size[0], g.outputs, g.out[0], g.group,
                     ci * kh * kw, kh * kw, part * ci * kh * kw, 0, kw, kh, g.stride[0], g.dilation[0], g.pad[0])

    def backward_data(self, dy, w, dx):
        g = self._g
        kh, kw = g.kernel
        ci = g.channels // g.group
        part = g.outputs // g.group
        parallel_for(self._data, self._chunks * g.group * -(-ci // self.outs), dy, w, self._zero, dx,
                     self._packed, self._tile, g.num, g.outputs, g.out[0], g.channels, g.size[0], g.group,
                     kh * kw, ci * kh * kw, part * ci * kh * kw, kh * kw - 1, -kw, kh, 1, g.dilation[0],
                     g.dilation[0] * (kh - 1) - g.pad[0])

    def backward_weight(self, x, dy, dw):
        g = self._g
        self._parts[...] = 0
        part = g.outputs // g.group
        parallel_for(self._weight, self._chunks * g.group * -(-part // self.wouts), x, dy, PerThread(list(self._parts)),
                     self._packed, self._tile, g.num, g.channels, g.size[0], g.outputs, g.out[0], g.group,
                     g.kernel[0], g.stride[0], g.dilation[0], g.pad[0])
        add_partial_sums(0, dw.size, self._parts, dw)
