"""The convolution that can do everything: patches to columns, then a matrix product."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from caffe_lite.kernels import im2col
from caffe_lite.kernels.bias import add_bias, add_partial_sums, bias_gradient
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.parallel import PerThread, parallel_for, threads

Array = np.ndarray[Any, Any]
BLOCK = 1 << 16  # elements of a patch matrix: 256 kB in float32, half of a usual second-level cache


class Im2colConvolution:
    """Forward and backward on flat arrays, for one geometry; owns its patch matrices, one a thread."""

    def __init__(self, geometry: Geometry, dtype: Any) -> None:
        g = geometry
        table = g.table
        rows, line = prod(table[1, :-1].tolist()), int(table[1, -1])
        depth = g.channels * prod(g.kernel)
        block = max(1, min(rows, BLOCK // (depth * line)))
        self._images, self._pixels, self._blocks = g.num, g.pixels, g.num * -(-rows // block)
        self._cols = PerThread([np.empty(depth * block * line, dtype) for _ in range(threads())])
        self._parts = np.empty((threads(), prod(g.weight_shape)), dtype)
        self._args = (g.channels, g.outputs, g.group, block, table)

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array) -> None:
        """Overwrite ``y``."""
        parallel_for(im2col.forward, self._blocks, x, w, y, self._cols, *self._args)
        if bias is not None:
            parallel_for(add_bias, self._images * len(bias), y, bias, self._pixels)

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        """Overwrite ``dx``."""
        parallel_for(im2col.backward_data, self._images, dy, w, dx, self._cols, *self._args)

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        """Add to ``dw`` and ``dbias``."""
        self._parts[...] = 0
        parallel_for(im2col.backward_weight, self._blocks, x, dy, PerThread(list(self._parts)), self._cols, *self._args)
        add_partial_sums(self._parts, 0, dw)
        if dbias is not None:
            parallel_for(bias_gradient, len(dbias), dy, self._images, self._pixels, dbias)
