"""BNLL: the binomial normal log likelihood."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.kernels.activations import bnll_backward, bnll_forward
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("BNLL")
class BNLLLayer(NeuronLayer):
    """``y = log(1 + exp x)``, computed without overflow; for x from 50 on the gradient is 1.

    In place the gradient is taken at y, as in Caffe.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's bnll_layer.cpp.
    """

    kernels = (bnll_forward, bnll_backward)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        self.warn_in_place(bottom, top)
