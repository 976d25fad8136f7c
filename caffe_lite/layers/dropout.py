"""Dropout: random elements set to 0 while training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ParameterError
from caffe_lite.kernels.arrays import copy_blocks
from caffe_lite.kernels.elementwise import mask_and_scale
from caffe_lite.layers.base import Layer
from caffe_lite.layers.neuron import GRAIN
from caffe_lite.layers.registry import register
from caffe_lite.parallel import call, parallel_for
from caffe_lite.schema import TRAIN


@register("Dropout")
class DropoutLayer(Layer):
    """``y = x / (1 - dropout_ratio)``, or with probability ``dropout_ratio`` 0; when testing, ``y = x``.

    The mask is drawn anew at every forward pass from the net's generator. May work in place.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's dropout_layer.cpp; Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple
    way to prevent neural networks from overfitting", 2014.

    Raises:
        ParameterError: ``dropout_ratio`` is not from 0 to below 1.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._training = self.context.phase == TRAIN
        self.replayable = not self._training
        ratio = self.param.dropout_param.dropout_ratio
        if self._training and not 0 <= ratio < 1:
            self.fail(ParameterError, f"dropout_ratio {ratio:g} must be at least 0 and less than 1")
        self._keep = 1 - ratio

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)
        self._mask = np.ones(bottom[0].count if self._training else 0, np.uint32)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self._training:
            self.context.rng.bernoulli(self._keep, self._mask)
        self._apply(bottom[0].data.reshape(-1), top[0].data.reshape(-1), top[0] is bottom[0])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            self._apply(top[0].diff.reshape(-1), bottom[0].diff.reshape(-1), top[0] is bottom[0])

    def _apply(self, source: Array, target: Array, in_place: bool) -> None:
        if self._training:
            factor = self.context.dtype(1 / self._keep)
            parallel_for(mask_and_scale, source.size, source, self._mask, factor, target, grain=GRAIN)
        elif not in_place:
            call(copy_blocks, 0, 1, source, 0, 0, target, 0, 0, source.size)
