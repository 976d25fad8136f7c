"""Exp: the exponential."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np

from caffe_lite.errors import ParameterError
from caffe_lite.kernels.elementwise import exp_backward, exp_forward
from caffe_lite.layers.logarithm import log_of_base
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("Exp")
class ExpLayer(NeuronLayer):
    """``y = base ** (shift + scale x)``; a base of -1 stands for e.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's exp_layer.cpp.

    Raises:
        ParameterError: ``base`` is 0 or less and not -1, or ``base ** shift`` is beyond float32.
    """

    kernels = (exp_forward, exp_backward)

    def numbers(self) -> Sequence[float]:
        param = self.param.exp_param
        log_base = log_of_base(self, param.base)
        exponent = log_base * param.shift
        if exponent > log(np.finfo(np.float32).max):
            self.fail(ParameterError, f"base {param.base:g} to the power of shift {param.shift:g} is beyond float32")
        return log_base * param.scale, exp(exponent)
