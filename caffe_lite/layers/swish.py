"""Swish: x times its sigmoid."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.kernels.activations import swish_backward, swish_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("Swish")
class SwishLayer(NeuronLayer):
    """``y = x / (1 + exp(-beta x))``.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's swish_layer.cpp; Ramachandran, Zoph, Le, "Searching for activation functions", 2017.
    """

    kernels = (swish_forward, swish_backward)
    keeps_bottom = True

    def numbers(self) -> Sequence[float]:
        return (self.param.swish_param.beta,)
