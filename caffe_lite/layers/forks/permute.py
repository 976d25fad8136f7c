"""Permute: axes in another order."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError
from caffe_lite.kernels.permute import permute, permute_back
from caffe_lite.layers.base import Layer
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 14  # elements worth a thread


@register("Permute")
class PermuteLayer(Layer):
    """Axis j of the top is axis ``permute_param.order[j]`` of the bottom; axes not named follow in their old order.

    Where that changes nothing, the top is the bottom itself. Source: SSD's permute_layer.cpp.

    Raises:
        ParameterError: ``order`` names an axis twice, or one that is none.
        GraphError: it would work in place.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)
        order, axes = list(self.param.permute_param.order), len(bottom[0].shape)
        if len(set(order)) < len(order) or any(axis >= axes for axis in order):
            self.fail(ParameterError, f"order {order} must name axes of the bottom {self.param.bottom[0]!r} of shape "
                      f"{bottom[0].shape}, 0 to {axes - 1}, each once at most")
        self._order = order + [axis for axis in range(axes) if axis not in order]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) != len(self._order):
            self.fail(ParameterError, f"the order {self._order} was made for {len(self._order)} axes, bottom "
                      f"{self.param.bottom[0]!r} is now of shape {shape}")
        self._sizes = np.array([shape[axis] for axis in self._order] or [1], np.int64)
        self._steps = np.array([prod(shape[axis + 1:]) for axis in self._order] or [1], np.int64)
        self._lines = int(self._sizes[:-1].prod())
        top[0].reshape([shape[axis] for axis in self._order])
        self._moves = self._order != sorted(self._order)
        if not self._moves:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self._moves:
            self._run(permute, bottom[0].data.reshape(-1), top[0].data.reshape(-1))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0] and self._moves:
            self._run(permute_back, bottom[0].diff.reshape(-1), top[0].diff.reshape(-1))

    def _run(self, kernel: object, bottom: object, top: object) -> None:
        first, last = (bottom, top) if kernel is permute else (top, bottom)
        parallel_for(kernel, self._lines, first, self._sizes, self._steps, last,  # type: ignore[arg-type]
                     grain=max(1, GRAIN // max(1, int(self._sizes[-1]))))
