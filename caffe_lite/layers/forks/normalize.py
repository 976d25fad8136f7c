"""Normalize: vectors of length 1, times a learned scale."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.l2_normalize import (
    across_dots,
    across_norms,
    divide_by_norms,
    normalize_back,
    scale_gradient_of_norm,
    within_dots,
    within_norms,
)
from caffe_lite.layers.normalizing import NormalizingLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import FillerParameter

GRAIN = 1 << 14  # elements worth a thread


@register("Normalize")
class NormalizeLayer(NormalizingLayer):
    """``y = scale x / sqrt(Σ x² + eps)``; may work in place.

    The sum goes over a whole image (``norm_param.across_spatial``) or over the channels (axis 1) at each place. Blob:
    one scale, ``()``, with ``channel_shared``, or one for each channel, ``(channels,)``; 1 unless there is a filler.

    As in the fork, the gradient of the bottom is that of an unscaled top, multiplied by the scales: where they
    differ from channel to channel, it is not quite the derivative.

    Bottom ``(num, channels, ...)``; the top has its shape.

    Source: SSD's normalize_layer.cpp; Liu, Rabinovich, Berg, "ParseNet", 2015.

    Raises:
        ShapeError: the bottom has less than two axes, or another number of channels than before.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.norm_param, bottom[0].shape
        self._check(shape)
        one = FillerParameter(type="constant", value=1)
        filler = param.scale_filler if param.HasField("scale_filler") else one
        self.add_blob(() if param.channel_shared else shape[1:2], filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        self._check(shape)
        if not self.param.norm_param.channel_shared and shape[1:2] != self.blobs[0].shape:
            self.fail(ShapeError, f"the scales are for {self.blobs[0].count} channels, bottom {self.param.bottom[0]!r} "
                      f"is now of shape {shape}")
        self._view = (*shape[:2], prod(shape[2:]))
        self._norm, self._dot = np.empty((2, shape[0], self._view[2]), self.context.dtype)
        self._scale_diff = np.empty(shape[1], self.context.dtype)
        self._grain = max(1, GRAIN // max(1, prod(shape[1:])))

    def _check(self, shape: tuple[int, ...]) -> None:
        if len(shape) < 2:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} must have 2 or more axes (num, channels, ...), "
                      f"found shape {shape}")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, num = self.param.norm_param, self._view[0]
        x, eps = self.take_bottom(bottom).reshape(self._view), self.context.dtype(self.param.norm_param.eps)
        parallel_for(across_norms if param.across_spatial else within_norms, num, x, eps, self._norm, grain=self._grain)
        scale, y = self.blobs[0].data.reshape(-1), top[0].data.reshape(self._view)
        parallel_for(divide_by_norms, num, x, self._norm, scale, y, grain=self._grain)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        across, num = self.param.norm_param.across_spatial, self._view[0]
        x, dy = self.taken_bottom(bottom).reshape(self._view), top[0].diff.reshape(self._view)
        if self.param_propagate_down[0]:
            parallel_for(scale_gradient_of_norm, len(self._scale_diff), x, self._norm, dy, self._scale_diff)
            scale = self.blobs[0].diff
            scale += self._scale_diff.sum() if self.param.norm_param.channel_shared else self._scale_diff
        if propagate_down[0]:
            parallel_for(across_dots if across else within_dots, num, x, dy, self._dot, grain=self._grain)
            parallel_for(normalize_back, num, x, self._norm, self._dot, self.blobs[0].data.reshape(-1), dy,
                         bottom[0].diff.reshape(self._view), grain=self._grain)
