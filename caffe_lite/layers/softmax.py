"""Softmax: scores to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Array, Blob
from caffe_lite.kernels.softmax import softmax_backward, softmax_forward
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Softmax")
class SoftmaxLayer(Layer):
    """``top[c] = exp(bottom[c]) / Σ_c exp(bottom[c])`` along ``softmax_param.axis``; works in place.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's softmax_layer.cpp.

    Raises:
        ParameterError: the bottom has no such axis.
    """

    replayable = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        axis = self.axis(self.param.softmax_param.axis, len(shape))
        self._view = (prod(shape[:axis]), shape[axis], prod(shape[axis + 1:]))
        self._grain = max(1, (1 << 12) // max(1, self._view[1] * self._view[2]))
        top[0].reshape(shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.softmax(bottom[0].data, top[0].data)

    def softmax(self, x: Array, y: Array) -> None:
        """The forward pass from one array into another."""
        view = self._view
        parallel_for(softmax_forward, view[0], x.reshape(view), y.reshape(view), grain=self._grain)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        view = self._view
        y, dy, dx = top[0].data.reshape(view), top[0].diff.reshape(view), bottom[0].diff.reshape(view)
        parallel_for(softmax_backward, view[0], y, dy, dx, grain=self._grain)
