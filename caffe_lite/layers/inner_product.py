"""InnerProduct: the fully connected layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.arrays import add, clear
from caffe_lite.kernels.bias import set_rows
from caffe_lite.kernels.gemm import gemm, gemm_dot, gemm_halves, outer
from caffe_lite.kernels.gemm_vector import FEW_ROWS
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import ELEMENTS
from caffe_lite.layers.registry import register
from caffe_lite.parallel import call, parallel_for, threads

# Outputs from which on the gradient of the input is two sums, each over half of the weights' rows: those that its core
# has in the cache, where it changes them.
HALVES = 64
GRAIN = 1 << 20  # multiplications: about what a thread does in the time it takes to wake another


@register("InnerProduct")
class InnerProductLayer(Layer):
    """``y[m, o] = b[o] + Σ_k w[o, k] x[m, k]``.

    The axes of the bottom before ``axis`` are counted by m, the others by k. Blobs: ``w`` of shape
    ``(num_output, k)``, with ``transpose`` of shape ``(k, num_output)``, and, with ``bias_term``, ``b`` of shape
    ``(num_output,)``.

    The top is ``(..., num_output)``, with the axes of the bottom before ``axis``.

    Source: Caffe's inner_product_layer.cpp.

    Raises:
        ParameterError: ``num_output`` is missing.
        ShapeError: the bottom has another number of inputs than before.
    """

    replayable = True
    overwritten = (0,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.inner_product_param, bottom[0].shape
        if param.num_output < 1:
            self.fail(ParameterError, "num_output must be 1 or more; set inner_product_param { num_output: ... }")
        self._n, self._k = param.num_output, prod(shape[self.axis(param.axis, len(shape)):])
        self.add_blob((self._k, self._n) if param.transpose else (self._n, self._k), param.weight_filler)
        if param.bias_term:
            self.add_blob((self._n,), param.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        axis = self.axis(self.param.inner_product_param.axis, len(shape))
        if prod(shape[axis:]) != self._k:
            self.fail(ShapeError, f"the weights were made for {self._k} inputs, bottom {self.param.bottom[0]!r} of "
                      f"shape {shape} now has {prod(shape[axis:])} from axis {axis} on")
        self._m = prod(shape[:axis])
        self._one = np.ones(1, self.context.dtype)  # the sum of rows is their product with a row of ones
        self._halved = self._n >= HALVES and not self.param.inner_product_param.transpose
        if self._halved and not self.context.dry:
            self._other = self.context.workspace.shared("half", self._m * self._k, self.context.dtype)
        top[0].reshape((*shape[:axis], self._n))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        m, n, k = self._m, self._n, self._k
        x, w, y = bottom[0].data.reshape(-1), self.blobs[0].data.reshape(-1), top[0].data
        biased = len(self.blobs) > 1
        if biased:
            call(set_rows, y.reshape(-1), self.blobs[1].data)
        if self.param.inner_product_param.transpose:
            _parallel(gemm, n, m * k, x, 0, k, 1, w, 0, n, y.reshape(-1), 0, n, m, k, biased)
        else:
            _parallel(gemm_dot, n, m * k, x, 0, k, w, 0, k, y.reshape(-1), 0, n, m, k, biased)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        m, n, k = self._m, self._n, self._k
        dy, w, transpose = top[0].diff.reshape(-1), self.blobs[0], self.param.inner_product_param.transpose
        if self.param_propagate_down[0]:
            x, dw, adds = bottom[0].data.reshape(-1), w.diff.reshape(-1), not self.fresh
            few = len(w.diff) < threads() * (FEW_ROWS + 1)  # they would be summed in other parts
            if not adds and (few or m == 0):
                parallel_for(clear, dw.size, dw, grain=ELEMENTS)
                adds = True
            if transpose:
                _parallel(outer, k, m * n, x, k, dy, n, dw, m, adds)
            else:
                _parallel(outer, n, m * k, dy, n, x, k, dw, m, adds)
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            call(gemm, 0, n, self._one, 0, 0, 0, dy, 0, n, self.blobs[1].diff, 0, 0, 1, m, True)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(-1)
            if transpose:
                _parallel(gemm_dot, k, m * n, dy, 0, n, w.data.reshape(-1), 0, n, dx, 0, k, m, n, False)
            elif self._halved:
                _parallel(gemm_halves, 2 * k, m * n // 2, dy, n, w.data.reshape(-1), k, dx, self._other, m, n)
                parallel_for(add, dx.size, dx, self._other, dx, grain=ELEMENTS)
            else:
                _parallel(gemm, k, m * n, dy, 0, n, 1, w.data.reshape(-1), 0, k, dx, 0, k, m, n, False)


def _parallel(kernel: Callable[..., Any], count: int, cost: int, *args: Any) -> None:
    """The product on all threads, each of which makes some of the ``count`` rows or columns that cost so much."""
    parallel_for(kernel, count, *args, grain=max(1, GRAIN // max(1, cost)))
