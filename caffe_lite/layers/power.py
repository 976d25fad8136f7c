"""Power: a line, and a power of it."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.kernels.arrays import clear
from caffe_lite.kernels.elementwise import power_backward, power_forward
from caffe_lite.layers.grain import ELEMENTS
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Power")
class PowerLayer(NeuronLayer):
    """``y = (shift + scale x) ** power``; with a scale of 0 it does not depend on x, be it NaN.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's power_layer.cpp. Where ``shift + scale x`` is 0 Caffe's gradient of a power other than 1 and 2
    is NaN, and in place it is not a gradient; this layer's is right there too.
    """

    kernels = (power_forward, power_backward)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        self.keeps_bottom = self.param.power_param.power != 1  # the slope of a line is the same everywhere

    def numbers(self) -> Sequence[float]:
        param = self.param.power_param
        return param.power, param.scale, param.shift

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        power, scale, _ = self._numbers
        if power * scale != 0:
            super().backward(top, propagate_down, bottom)
        elif propagate_down[0]:
            dx = bottom[0].diff.reshape(-1)
            parallel_for(clear, dx.size, dx, grain=ELEMENTS)
