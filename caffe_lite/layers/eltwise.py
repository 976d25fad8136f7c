"""Eltwise: the sum, the product or the maximum of blobs of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.arrays import copy_range
from caffe_lite.kernels.eltwise import larger, multiple, product, quotient_times, raise_to, weighted_sum, where_equal
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import ELEMENTS
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import EltwiseParameter


@register("Eltwise")
class EltwiseLayer(Layer):
    """``SUM: y = Σ_i coeff[i] x_i``, ``PROD: y = Π_i x_i``, ``MAX: y = max_i x_i``.

    The gradient of a product multiplies the other factors, or without ``stable_prod_grad`` divides y by the factor,
    which is NaN where that is 0. The gradient of a maximum goes to one bottom: of the first two, where they are
    equal, to the second; else to the first that has it.

    The top has the shape of the bottoms.

    Source: Caffe's eltwise_layer.cpp.

    Raises:
        ShapeError: the bottoms have several shapes.
        ParameterError: ``coeff`` is not one for each bottom, or not for a sum.
        GraphError: it would work in place.
    """

    bottoms = (2, None)
    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.eltwise_param
        self._operation, coeffs = param.operation, list(param.coeff)
        if coeffs and self._operation == EltwiseParameter.PROD:
            self.fail(ParameterError, "coeff is for operation: SUM only; leave it out of a product")
        if len(coeffs) not in (0, len(bottom)):
            self.fail(ParameterError, f"{len(coeffs)} coeff for {len(bottom)} bottoms; give none, or one for each")
        self._coeffs = [self.context.dtype(c) for c in coeffs or [1] * len(bottom)]
        refuse_in_place(self, bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for name, blob in zip(self.param.bottom, bottom, strict=True):
            if blob.shape != bottom[0].shape:
                self.fail(ShapeError, f"bottom {name!r} of shape {blob.shape} and {self.param.bottom[0]!r} of shape "
                          f"{bottom[0].shape} must have one shape")
        top[0].reshape(bottom[0].shape)
        self._which = np.empty(bottom[0].count if self._operation == EltwiseParameter.MAX else 0, np.int32)

    @property
    def is_sum(self) -> bool:
        return bool(self._operation == EltwiseParameter.SUM)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.forward_rectified(bottom, top, 1)

    def forward_rectified(self, bottom: Sequence[Blob], top: Sequence[Blob], slope: float) -> None:
        """``forward`` of this layer and, if it is a sum, of a ReLU with this negative slope in place; 1 is for none."""
        (a, b, *others), y = (blob.data.reshape(-1) for blob in bottom), top[0].data.reshape(-1)
        if self.is_sum:
            alpha, beta, *further = self._coeffs
            one, rest = self.context.dtype(1), list(zip(others, further, strict=True))
            slopes = [*[one] * len(rest), self.context.dtype(slope)]  # the whole sum is rectified
            self._run(weighted_sum, a, alpha, b, beta, slopes[0], y)
            for (x, coeff), last in zip(rest, slopes[1:], strict=True):
                self._run(weighted_sum, y, one, x, coeff, last, y)
        elif self._operation == EltwiseParameter.PROD:
            self._run(product, a, b, y)
            for x in others:
                self._run(product, y, x, y)
        else:
            self._run(larger, a, b, y, self._which)
            for i, x in enumerate(others):
                self._run(raise_to, x, i + 2, y, self._which)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        dy = top[0].diff.reshape(-1)
        for i, blob in enumerate(bottom):
            if not propagate_down[i]:
                continue
            dx = blob.diff.reshape(-1)
            if self.is_sum:
                if self._coeffs[i] == 1:
                    self._run(copy_range, dy, dx)
                else:
                    self._run(multiple, dy, self._coeffs[i], dx)
            elif self._operation == EltwiseParameter.MAX:
                self._run(where_equal, self._which, i, dy, dx)
            elif self.param.eltwise_param.stable_prod_grad:
                self._multiply_others(i, bottom, dy, dx)
            else:
                self._run(quotient_times, top[0].data.reshape(-1), blob.data.reshape(-1), dy, dx)

    def _multiply_others(self, i: int, bottom: Sequence[Blob], dy: Array, dx: Array) -> None:
        factor = dy
        for j, blob in enumerate(bottom):
            if j != i:
                self._run(product, factor, blob.data.reshape(-1), dx)
                factor = dx

    def _run(self, kernel: Any, first: Array, *args: Any) -> None:
        parallel_for(kernel, first.size, first, *args, grain=ELEMENTS)
