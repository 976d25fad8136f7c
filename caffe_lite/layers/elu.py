"""ELU: the exponential linear unit."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.kernels.activations import elu_backward, elu_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("ELU")
class ELULayer(NeuronLayer):
    """``y = x`` where x is positive, else ``alpha (exp x - 1)``.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's elu_layer.cpp; Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by
    exponential linear units", 2015.
    """

    kernels = (elu_forward, elu_backward)

    def numbers(self) -> Sequence[float]:
        return (self.param.elu_param.alpha,)
