"""The convolution that can do everything: patches to columns, then a matrix product."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from caffe_lite.kernels import im2col
from caffe_lite.kernels.bias import add_bias, bias_gradient
from caffe_lite.kernels.relu import relu_forward
from caffe_lite.layers.convolution_engine import START, Engine
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.layers.partial_sums import add_parts, clear_parts
from caffe_lite.parallel import Workspace, parallel_for

Array = np.ndarray[Any, Any]
BLOCK = 1 << 16  # elements of a patch matrix: 256 kB in float32, half of a usual second-level cache


class Im2colConvolution(Engine):
    """Its scratch memory is a patch matrix a thread."""

    def __init__(self, geometry: Geometry, dtype: Any, workspace: Workspace) -> None:
        g = geometry
        table = g.table
        rows, line = prod(table[1, :-1].tolist()), int(table[1, -1])
        depth = g.channels * prod(g.kernel)
        block = max(1, min(rows, BLOCK // (depth * line)))
        self._images, self._pixels, self._blocks = g.num, g.pixels, g.num * -(-rows // block)
        self._cols = workspace.per_thread("patches", depth * block * line, dtype)
        self._parts = workspace.per_thread("weight gradient", prod(g.weight_shape), dtype)
        self._args = (g.channels, g.outputs, g.group, block, table)

    @staticmethod
    def rate(g: Geometry, dtype: Any) -> float:
        """About which part of the machine's rate it reaches, with its passes over the patches."""
        return 0.4 * g.products / (g.products + START)

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array, slope: float = 1) -> None:
        parallel_for(im2col.forward, self._blocks, x, w, y, self._cols, *self._args)
        if bias is not None:
            parallel_for(add_bias, self._images * len(bias), y, bias, self._pixels)
        if slope != 1:
            parallel_for(relu_forward, y.size, y, y.dtype.type(slope), y)

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        parallel_for(im2col.backward_data, self._images, dy, w, dx, self._cols, *self._args)

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        clear_parts(self._parts, dw.size)
        parallel_for(im2col.backward_weight, self._blocks, x, dy, self._parts, self._cols, *self._args)
        add_parts(self._parts, dw)
        if dbias is not None:
            parallel_for(bias_gradient, len(dbias), dy, self._images, self._pixels, dbias)
