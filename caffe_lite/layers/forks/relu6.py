"""ReLU6: the rectifier with a ceiling."""

from __future__ import annotations

from caffe_lite.kernels.relu6 import relu6_backward, relu6_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("ReLU6")
class ReLU6Layer(NeuronLayer):
    """``y = min(max(x, 0), 6)``; the gradient passes where ``0 < x < 6``. May work in place.

    The top has the bottom's shape, whatever that is.

    Source: relu6_layer.cpp of MobileNet's forks; Howard et al., "MobileNets", 2017.
    """

    kernels = (relu6_forward, relu6_backward)
