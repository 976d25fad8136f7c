"""Reduction: the last axes as one number."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.kernels.blocks import ASUM, SUM, SUMSQ, reduce_backward, reduce_forward
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import ReductionParameter

OPERATIONS = {
    ReductionParameter.SUM: SUM,
    ReductionParameter.MEAN: SUM,
    ReductionParameter.ASUM: ASUM,
    ReductionParameter.SUMSQ: SUMSQ,
}


@register("Reduction")
class ReductionLayer(Layer):
    """``y = coeff Σ x``, ``Σ |x|``, ``Σ x²`` or the mean of x, over ``axis`` and all axes after it.

    The top has the axes of the bottom before ``axis``.

    Source: Caffe's reduction_layer.cpp.

    Raises:
        ParameterError: the bottom has no such axis.
        GraphError: it would work in place.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)
        self._operation = OPERATIONS[self.param.reduction_param.operation]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.reduction_param, bottom[0].shape
        axis = self.axis(param.axis, len(shape))
        self._rows, self._size = prod(shape[:axis]), prod(shape[axis:])
        mean = param.operation == ReductionParameter.MEAN
        self._coeff = self.context.dtype(param.coeff / max(1, self._size) if mean else param.coeff)
        top[0].reshape(shape[:axis])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        parallel_for(reduce_forward, self._rows, bottom[0].data.reshape(-1), self._size, self._operation, self._coeff,
                     top[0].data.reshape(-1), grain=grain(self._size))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            parallel_for(reduce_backward, self._rows, bottom[0].data.reshape(-1), top[0].diff.reshape(-1), self._size,
                         self._operation, self._coeff, bottom[0].diff.reshape(-1), grain=grain(self._size))
