"""Sigmoid: the logistic function."""

from __future__ import annotations

from caffe_lite.kernels.activations import sigmoid_backward, sigmoid_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("Sigmoid")
class SigmoidLayer(NeuronLayer):
    """``y = 1 / (1 + exp(-x))``, computed without overflow.

    The top has the bottom's shape, whatever that is. May work in place.

    Source: Caffe's sigmoid_layer.cpp.
    """

    kernels = (sigmoid_forward, sigmoid_backward)
