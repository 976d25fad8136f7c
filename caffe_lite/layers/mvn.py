"""MVN: every image, or every channel of it, to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.normalize import inverse_deviations, moments, normalize, normalize_backward
from caffe_lite.layers.normalizing import NormalizingLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 14  # elements worth a thread


@register("MVN")
class MVNLayer(NormalizingLayer):
    """``y = (x - mean) / (sqrt(variance) + eps)`` over each channel of each image, or with ``across_channels`` over
    each image; without ``normalize_variance`` just ``x - mean``. May work in place.

    The top always has four axes; those that the bottom lacks are of size 1.

    Source: Caffe's mvn_layer.cpp.

    Raises:
        ShapeError: the bottom has more than four axes.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) > 4:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} has the shape {shape}; at most 4 axes (num, "
                      "channels, height, width) are possible")
        super().reshape(bottom, top)
        shape = (*shape, 1, 1, 1, 1)[:4]
        top[0].reshape(shape)
        rows = shape[0] if self.param.mvn_param.across_channels else shape[0] * shape[1]
        self._view = (1, rows, bottom[0].count // max(1, rows))
        self._mean, self._factor = np.empty((2, rows), self.context.dtype)
        self._sums = np.empty((2, rows), self.context.dtype)
        self._grain = max(1, GRAIN // max(1, self._view[2]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, mean, factor = self.param.mvn_param, self._mean, self._factor
        x = self.take_bottom(bottom).reshape(self._view)
        parallel_for(moments, len(mean), x, mean, factor, grain=self._grain)
        if param.normalize_variance:
            inverse_deviations(factor, self.context.dtype(0), self.context.dtype(param.eps), factor)
        else:
            factor.fill(1)
        parallel_for(normalize, len(mean), x, mean, factor, top[0].data.reshape(self._view), grain=self._grain)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            x, arrays = self.taken_bottom(bottom), (a.reshape(self._view) for a in (top[0].diff, bottom[0].diff))
            parallel_for(normalize_backward, len(self._mean), x.reshape(self._view), self._mean, self._factor, True,
                         self.param.mvn_param.normalize_variance, *arrays, self._sums, grain=self._grain)
