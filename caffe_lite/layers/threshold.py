"""Threshold: what is above a number, as 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError
from caffe_lite.kernels.elementwise import threshold_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("Threshold")
class ThresholdLayer(NeuronLayer):
    """``y = 1`` where ``x > threshold``, else 0. It has no gradient.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's threshold_layer.cpp.

    Raises:
        ParameterError: a gradient is wanted.
    """

    kernels = (threshold_forward,)

    def numbers(self) -> Sequence[float]:
        return (self.param.threshold_param.threshold,)

    def allow_force_backward(self, index: int) -> bool:
        return False

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if any(propagate_down):
            self.fail(ParameterError, "has no gradient; set propagate_down: false, or have no loss above it")
