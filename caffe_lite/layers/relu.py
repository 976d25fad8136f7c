"""ReLU: the rectifier."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.kernels.relu import relu_backward, relu_forward
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 15  # elements: about what a thread does in the time it takes to wake another


@register("ReLU")
class ReLULayer(Layer):
    """``y = max(x, 0) + negative_slope min(x, 0)``; may work in place.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's relu_layer.cpp.
    """

    replayable = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        slope = self.context.dtype(self.param.relu_param.negative_slope)
        parallel_for(relu_forward, bottom[0].count, bottom[0].data.reshape(-1), slope, top[0].data.reshape(-1),
                     grain=GRAIN)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            slope = self.context.dtype(self.param.relu_param.negative_slope)
            parallel_for(relu_backward, bottom[0].count, bottom[0].data.reshape(-1), top[0].diff.reshape(-1), slope,
                         bottom[0].diff.reshape(-1), grain=GRAIN)
