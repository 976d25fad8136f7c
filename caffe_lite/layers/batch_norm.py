"""BatchNorm: every channel to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.normalize import (
    normalize,
    normalize_backward,
    normalize_batch,
    store_statistics,
    stored_statistics,
)
from caffe_lite.layers.normalizing import NormalizingLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import call, parallel_for
from caffe_lite.schema import TEST, FillerParameter

GRAIN = 1 << 14  # elements worth a thread


@register("BatchNorm")
class BatchNormLayer(NormalizingLayer):
    """``y = (x - mean) / sqrt(variance + eps)`` for each channel (axis 1); may work in place.

    Training, mean and variance are the batch's; testing, or as ``use_global_stats`` says, the stored ones. Blobs,
    which no solver touches: a sum of means and one of variances (each times ``m / (m - 1)``, for m values in a
    channel), ``(channels,)``, and a sum of weights, ``(1,)``. Before a batch is added to a sum, the sum shrinks to
    ``moving_average_fraction`` of itself; the stored statistics are the sums divided by that of the weights, or 0
    where that is 0.

    Bottom ``(num, channels, ...)``; the top has its shape.

    Source: Caffe's batch_norm_layer.cpp; Ioffe and Szegedy, "Batch normalization", 2015.

    Raises:
        ShapeError: the bottom has no axes, or another number of channels than before.
        ParameterError: a ``param`` gives the statistics a rate.
    """

    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.batch_norm_param, bottom[0].shape
        if not shape:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} has no axes; (num, channels, ...) is needed")
        self._stored = param.use_global_stats if param.HasField("use_global_stats") else self.context.phase == TEST
        self.needs_bottom = not self._stored
        self._channels = 1 if len(shape) == 1 else shape[1]
        for size in (self._channels, self._channels, 1):
            self.add_blob((size,), FillerParameter())
        for i in range(3):
            if i == len(self.param.param):
                self.param.param.add(lr_mult=0)
            elif self.param.param[i].lr_mult != 0:
                self.fail(ParameterError, f"its blobs are statistics, not parameters to learn, but param {i} has "
                          f"lr_mult {self.param.param[i].lr_mult:g}; make it 0, or leave param out")
        self._mean, self._variance, self._factor = np.zeros((3, self._channels), self.context.dtype)
        self._sums = np.empty((2, self._channels), self.context.dtype)

    @property
    def adds_up(self) -> bool:
        """Whether batches are added to the stored sums, which are constants otherwise."""
        return not self._stored

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        if (1 if len(shape) == 1 else shape[1]) != self._channels:
            self.fail(ShapeError, f"the statistics are of {self._channels} channels, bottom {self.param.bottom[0]!r} "
                      f"is now of shape {shape}")
        self._view = (shape[0], self._channels, prod(shape[2:]))
        self._grain = max(1, GRAIN // max(1, shape[0] * self._view[2]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        mean, variance, factor, number = self._mean, self._variance, self._factor, self.context.dtype
        x, eps = bottom[0].data.reshape(self._view), number(self.param.batch_norm_param.eps)
        y = x if top[0] is bottom[0] else top[0].data.reshape(self._view)
        sums = [blob.data.reshape(-1) for blob in self.blobs]
        if self._stored:
            call(stored_statistics, *sums, eps, mean, factor)
            parallel_for(normalize, self._channels, x, mean, factor, y, grain=self._grain)
            return
        kept = x if self._copy is None else self._copy.reshape(self._view)
        parallel_for(normalize_batch, self._channels, x, eps, mean, variance, factor, kept, y, grain=self._grain)
        values = self._view[0] * self._view[2]
        if values:
            fraction = number(self.param.batch_norm_param.moving_average_fraction)
            call(store_statistics, mean, variance, fraction, number(values / max(1, values - 1)), *sums)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            x = self.taken_bottom(bottom)
            own = not self._stored
            dy = top[0].diff.reshape(self._view)
            dx = dy if top[0] is bottom[0] else bottom[0].diff.reshape(self._view)
            parallel_for(normalize_backward, self._channels, x.reshape(self._view), self._mean, self._factor, own, own,
                         dy, dx, self._sums, grain=self._grain)
