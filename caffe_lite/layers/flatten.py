"""Flatten: several axes as one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register


@register("Flatten")
class FlattenLayer(Layer):
    """The bottom, in the same memory, with the axes from ``axis`` to ``end_axis`` as one.

    Source: Caffe's flatten_layer.cpp.

    Raises:
        ParameterError: ``axis`` or ``end_axis`` is no axis of the bottom, or the one comes after the other.
        GraphError: it would work in place.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)
        param, shape = self.param.flatten_param, bottom[0].shape
        start, end = self.axis(param.axis, len(shape)), self.axis(param.end_axis, len(shape), "end_axis") + 1
        if start > end:
            self.fail(ParameterError, f"end_axis {param.end_axis} comes before axis {param.axis} in bottom "
                      f"{self.param.bottom[0]!r} of shape {shape}")
        top[0].reshape((*shape[:start], prod(shape[start:end]), *shape[end:]))
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        pass
