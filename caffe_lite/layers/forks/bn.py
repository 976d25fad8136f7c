"""BN: batch normalization with a scale and a shift, as SegNet has it and as PSPNet has it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import GraphError, ParameterError, ShapeError
from caffe_lite.kernels.normalize import inverse_deviations, moments
from caffe_lite.kernels.scaled_norm import scaled_norm, scaled_norm_back, scaled_norm_sums
from caffe_lite.layers.normalizing import NormalizingLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import TEST, BNParameter, FillerParameter

GRAIN = 1 << 14  # elements worth a thread
SEGNET_FIELDS = {"scale_filler", "shift_filler", "bn_mode"}
SEGNET_EPS = 1e-9


@register("BN")
class BNLayer(NormalizingLayer):
    """``y = scale (x - mean) / sqrt(variance + eps) + shift`` for each channel (axis 1); may work in place.

    SegNet's: mean and variance are the batch's, also when testing, or with ``bn_mode: INFERENCE`` 0 and 1; eps is
    1e-9; second and third tops get mean and variance, ``(1, channels, 1, 1)``. Blobs: scale and shift, of that shape
    too.

    PSPNet's (with a field of its own, or four ``param``): when training, mean and variance are the batch's, otherwise
    or if ``frozen`` the stored ones, of which a part of ``momentum`` stays in each iteration. Blobs: scale, shift and
    the stored mean and variance, all ``(1, channels, 1, 1)``; no solver touches the latter, or any if ``frozen``.

    Bottom ``(num, channels, ...)``; the first top has its shape.

    Source: bn_layer.cpp of SegNet and of PSPNet.

    Raises:
        ParameterError: fields of both forks are given.
        ShapeError: the bottom has less than two axes, or another number of channels than before.
        GraphError: PSPNet's has more than one top.
    """

    tops = (1, 3)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.bn_param, bottom[0].shape
        given = {field.name for field, _ in param.ListFields()}
        segnet, pspnet = given & SEGNET_FIELDS, given - SEGNET_FIELDS
        if segnet and pspnet:
            self.fail(ParameterError, f"bn_param has fields of SegNet's BN, {', '.join(sorted(segnet))}, and of "
                      f"PSPNet's, {', '.join(sorted(pspnet))}; keep those of one")
        if len(shape) < 2:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} must have 2 or more axes (num, channels, ...), "
                      f"found shape {shape}")
        self._averages = bool(pspnet) or (not segnet and len(self.param.param) > 2)
        if self._averages and len(top) > 1:
            self.fail(GraphError, f"PSPNet's BN has one top, found {len(top)}")
        self._channels = shape[1]
        if self._averages:
            zero, one = FillerParameter(), FillerParameter(value=1)
            fillers = [param.slope_filler, param.bias_filler, zero, one if param.frozen else zero]
            self._hold_still(range(0 if param.frozen else 2, 4))
        else:
            fillers = [param.scale_filler, param.shift_filler]
        for filler in fillers:
            self.add_blob((1, self._channels, 1, 1), filler)
        self._eps = self.context.dtype(param.eps if self._averages else SEGNET_EPS)
        self._own = not param.frozen and self.context.phase != TEST if self._averages else (
            param.bn_mode == BNParameter.LEARN)
        self.needs_bottom = not param.frozen
        self._mean, self._variance, self._factor = np.zeros((3, self._channels), self.context.dtype)
        self._factor.fill(1)
        self._sums = np.zeros((2, self._channels), self.context.dtype)

    def _hold_still(self, blobs: range) -> None:
        for i in range(4):
            if i == len(self.param.param):
                self.param.param.add()
            if i in blobs:
                self.param.param[i].lr_mult = self.param.param[i].decay_mult = 0

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        if shape[1:2] != (self._channels,):
            self.fail(ShapeError, f"the parameters are for {self._channels} channels, bottom {self.param.bottom[0]!r} "
                      f"is now of shape {shape}")
        for blob in top[1:]:
            blob.reshape((1, self._channels, 1, 1))
        self._view = (*shape[:2], prod(shape[2:]))
        self._grain = max(1, GRAIN // max(1, shape[0] * self._view[2]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = self.take_bottom(bottom).reshape(self._view)
        if self._own:
            parallel_for(moments, self._channels, x, self._mean, self._variance, grain=self._grain)
            for blob, values in zip(top[1:], (self._mean, self._variance), strict=False):
                np.copyto(blob.data.reshape(-1), values)
        if self._averages:
            self._average()
        if self._own or self._averages:
            inverse_deviations(self._variance, self._eps, self.context.dtype(0), self._factor)
        parallel_for(scaled_norm, self._channels, x, self._mean, self._factor, *self._scale_and_shift(),
                     top[0].data.reshape(self._view), grain=self._grain)

    def _average(self) -> None:
        """Mix the batch's statistics into the stored ones, or take those."""
        momentum = self.context.dtype(self.param.bn_param.momentum)
        for blob, values in zip(self.blobs[2:], (self._mean, self._variance), strict=True):
            stored = blob.data.reshape(-1)
            if self._own:
                stored *= momentum
                np.multiply(values, 1 - momentum, out=self._sums[0])
                stored += self._sums[0]
            else:
                np.copyto(values, stored)

    def _scale_and_shift(self) -> list[np.ndarray]:
        return [blob.data.reshape(-1) for blob in self.blobs[:2]]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        x, dy = self.taken_bottom(bottom).reshape(self._view), top[0].diff.reshape(self._view)
        if self._own or any(self.param_propagate_down[:2]):
            parallel_for(scaled_norm_sums, self._channels, x, self._mean, self._factor, dy, self._sums,
                         grain=self._grain)
        for blob, sums, wanted in zip(self.blobs, self._sums, self.param_propagate_down, strict=False):
            if wanted:
                diff = blob.diff.reshape(-1)
                diff += sums
        if propagate_down[0]:
            parallel_for(scaled_norm_back, self._channels, x, self._mean, self._factor, self._scale_and_shift()[0],
                         self._own, self._sums, dy, bottom[0].diff.reshape(self._view), grain=self._grain)
