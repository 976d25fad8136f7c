"""The convolution that has a filter for each channel: too little work for a matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.kernels.bias import bias_gradient
from caffe_lite.kernels.depthwise import depthwise_backward_data, depthwise_backward_weight, depthwise_forward
from caffe_lite.kernels.relu import relu_forward
from caffe_lite.layers.convolution_engine import Engine
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.parallel import PerThread, parallel_for, threads

Array = np.ndarray[Any, Any]
GRAIN = 1 << 15  # multiplications worth a thread


class DepthwiseConvolution(Engine):
    """It owns room for two planes a thread."""

    def __init__(self, geometry: Geometry, dtype: Any) -> None:
        g = self._geometry = geometry
        reach = [(k - 1) * d for k, d in zip(g.kernel, g.dilation, strict=True)]
        rows, line = (n + r // s for n, r, s in zip(g.out, reach, g.stride, strict=True))  # of a phase
        self._starts = np.array([
            ((i % g.stride[0] * g.stride[1] + j % g.stride[1]) * rows + i // g.stride[0]) * line + j // g.stride[1]
            for i in range(0, reach[0] + 1, g.dilation[0]) for j in range(0, reach[1] + 1, g.dilation[1])
        ], np.int64)
        self._sizes, self._steps = (*g.size, *g.out, line), (*g.stride, *g.pad, rows)
        self._phases = PerThread([np.zeros(g.stride[0] * g.stride[1] * rows * line, dtype) for _ in range(threads())])
        self._lines = PerThread([np.zeros((g.out[0] - 1) * line + g.out[1], dtype) for _ in range(threads())])
        self._no_bias = np.zeros(g.outputs, dtype)
        self._grain = max(1, GRAIN // max(1, g.pixels * len(self._starts)))

    @staticmethod
    def suits(g: Geometry) -> bool:
        """Whether this is such a convolution, in two dimensions."""
        return len(g.size) == 2 and g.group == g.channels == g.outputs

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array, slope: float = 1) -> None:
        bias = self._no_bias if bias is None else bias
        parallel_for(depthwise_forward, self._geometry.num * len(bias), x, w, bias, self._starts, self._sizes,
                     self._steps, self._phases, self._lines, y, grain=self._grain)
        if slope != 1:
            parallel_for(relu_forward, y.size, y, y.dtype.type(slope), y)

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        g = self._geometry
        parallel_for(depthwise_backward_data, g.num * g.channels, dy, w, g.channels, self._starts, self._sizes,
                     self._steps, self._phases, self._lines, dx, grain=self._grain)

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        g = self._geometry
        parallel_for(depthwise_backward_weight, g.channels, x, dy, g.num, g.channels, self._starts, self._sizes,
                     self._steps, self._phases, self._lines, dw, grain=max(1, self._grain // max(1, g.num)))
        if dbias is not None:
            parallel_for(bias_gradient, g.channels, dy, g.num, g.pixels, dbias)
