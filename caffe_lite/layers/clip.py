"""Clip: values limited to an interval."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError
from caffe_lite.kernels.elementwise import clip_backward, clip_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("Clip")
class ClipLayer(NeuronLayer):
    """``y = max(min, min(x, max))``; the gradient passes where ``min <= x <= max``.

    In place it passes everywhere, as in Caffe, because it is taken at y.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's clip_layer.cpp.

    Raises:
        ParameterError: ``min`` or ``max`` is missing.
    """

    kernels = (clip_forward, clip_backward)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self.param.HasField("clip_param"):
            self.fail(ParameterError, "has no interval; set clip_param { min: ... max: ... }")
        super().setup(bottom, top)
        self.warn_in_place(bottom, top)

    def numbers(self) -> Sequence[float]:
        return self.param.clip_param.min, self.param.clip_param.max
