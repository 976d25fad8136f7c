"""TanH: the hyperbolic tangent."""

from __future__ import annotations

from caffe_lite.kernels.activations import tanh_backward, tanh_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("TanH")
class TanHLayer(NeuronLayer):
    """``y = tanh x``.

    Source: Caffe's tanh_layer.cpp.
    """

    kernels = (tanh_forward, tanh_backward)
