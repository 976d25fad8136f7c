"""The convolution that has a filter for each channel: too little work for a matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.kernels.bias import bias_gradient
from caffe_lite.kernels.depthwise import depthwise_backward_data, depthwise_backward_weight, depthwise_forward
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.parallel import parallel_for

Array = np.ndarray[Any, Any]
GRAIN = 1 << 15  # multiplications worth a thread


class DepthwiseConvolution:
    """Forward and backward on flat arrays, for one geometry."""

    def __init__(self, geometry: Geometry, dtype: Any) -> None:
        g = self._geometry = geometry
        self._bottom, self._top = (g.num, g.channels, *g.size), (g.num, g.outputs, *g.out)
        self._filters = (g.channels, *g.kernel)
        self._steps = np.array([*g.stride, *g.pad, *g.dilation], np.int64)
        self._no_bias = np.zeros(g.outputs, dtype)
        self._grain = max(1, GRAIN // max(1, g.pixels * g.kernel[0] * g.kernel[1]))

    @staticmethod
    def suits(g: Geometry) -> bool:
        """Whether this is such a convolution, in two dimensions."""
        return len(g.size) == 2 and g.group == g.channels == g.outputs

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array) -> None:
        """Overwrite ``y``."""
        parallel_for(depthwise_forward, self._top[0] * self._top[1], x.reshape(self._bottom), w.reshape(self._filters),
                     self._no_bias if bias is None else bias, self._steps, y.reshape(self._top), grain=self._grain)

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        """Overwrite ``dx``."""
        parallel_for(depthwise_backward_data, self._top[0] * self._top[1], dy.reshape(self._top),
                     w.reshape(self._filters), self._steps, dx.reshape(self._bottom), grain=self._grain)

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        """Add to ``dw`` and ``dbias``."""
        g = self._geometry
        parallel_for(depthwise_backward_weight, g.channels, x.reshape(self._bottom), dy.reshape(self._top), self._steps,
                     dw.reshape(self._filters), grain=max(1, self._grain // max(1, g.num)))
        if dbias is not None:
            parallel_for(bias_gradient, len(dbias), dy, g.num, g.pixels, dbias)
