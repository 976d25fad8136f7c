"""TanH: the hyperbolic tangent."""

from __future__ import annotations

from caffe_lite.kernels.activations import tanh_backward, tanh_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("TanH")
class TanHLayer(NeuronLayer):
    """``y = tanh x``.

    The top has the bottom's shape, whatever that is. May work in place.

    Source: Caffe's tanh_layer.cpp.
    """

    kernels = (tanh_forward, tanh_backward)
