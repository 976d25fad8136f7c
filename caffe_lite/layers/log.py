"""Log: the logarithm."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.errors import ParameterError
from caffe_lite.kernels.elementwise import log_backward, log_forward
from caffe_lite.layers.logarithm import log_of_base
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("Log")
class LogLayer(NeuronLayer):
    """``y = log(shift + scale x) / log(base)``; a base of -1 stands for e.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's log_layer.cpp, whose gradient in place is not one; this layer's is right there too.

    Raises:
        ParameterError: ``base`` has no logarithm.
    """

    kernels = (log_forward, log_backward)
    keeps_bottom = True

    def numbers(self) -> Sequence[float]:
        param = self.param.log_param
        log_base = log_of_base(self, param.base)
        if log_base == 0:
            self.fail(ParameterError, "there is no logarithm with base 1; give another base, or -1 for e")
        return 1 / log_base, param.scale, param.shift
