"""EuclideanLoss: half the squared distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.losses import euclidean_backward, euclidean_forward
from caffe_lite.layers.loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 14  # elements worth a thread


@register("EuclideanLoss")
class EuclideanLossLayer(LossLayer):
    """``loss = 1/2N Σ (a - b)²`` for two bottoms of N samples each; both have a gradient.

    The bottoms are ``(N, ...)`` with as many values, the top is a scalar.

    Source: Caffe's euclidean_loss_layer.cpp.

    Raises:
        ShapeError: the bottoms differ in N, or in the number of values of a sample.
    """

    def allow_force_backward(self, index: int) -> bool:
        return True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        names, (a, b) = self.param.bottom, (blob.shape for blob in bottom)
        if bottom[0].count != bottom[1].count:
            self.fail(ShapeError, f"{names[0]!r} of shape {a} and {names[1]!r} of shape {b} must have the same "
                      "number of values for each sample")
        self._view = (a[0], bottom[0].count // max(1, a[0]))
        self._diff = np.empty(self._view, self.context.dtype)
        self._losses = np.empty(a[0], self.context.dtype)
        self._grain = max(1, GRAIN // max(1, self._view[1]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, b = (blob.data.reshape(self._view) for blob in bottom)
        parallel_for(euclidean_forward, len(a), a, b, self._diff, self._losses, grain=self._grain)
        top[0].data[...] = self._losses.sum() / (2 * max(1, len(a)))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        num = self._view[0]
        weight = float(top[0].diff) / max(1, num)
        for blob, factor, wanted in zip(bottom, (weight, -weight), propagate_down, strict=True):
            if wanted:
                parallel_for(euclidean_backward, num, self._diff, self.context.dtype(factor),
                             blob.diff.reshape(self._view), grain=self._grain)
