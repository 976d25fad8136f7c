"""PReLU: the rectifier with a learned slope."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.arrays import copy_range
from caffe_lite.kernels.scale import prelu_backward, prelu_forward, prelu_gradient
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import ELEMENTS, grain
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import FillerParameter


@register("PReLU")
class PReLULayer(Layer):
    """``y[n, c, i] = x`` where x is positive, else ``slope[c] x``; may work in place.

    The blob: slopes, one for each index of axis 1, or with ``channel_shared`` a scalar; 0.25 without a filler.

    Bottom ``(num, channels, ...)``; the top has its shape.

    Source: Caffe's prelu_layer.cpp; He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015.

    Raises:
        ShapeError: the bottom has no axis 1, or another number of channels than before.
    """

    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.prelu_param
        channels = self._channels(bottom[0])
        filler = param.filler if param.HasField("filler") else FillerParameter(value=0.25)
        self.add_blob(() if param.channel_shared else (channels,), filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, slopes = bottom[0].shape, self.blobs[0].count
        channels = self._channels(bottom[0])
        shared = self.param.prelu_param.channel_shared
        if not shared and channels != slopes:
            self.fail(ShapeError, f"there are {slopes} slopes, bottom {self.param.bottom[0]!r} of shape {shape} now "
                      f"has {channels} channels")
        self._outer, self._inner = shape[0], prod(shape[1:] if shared else shape[2:])
        in_place = top[0] is bottom[0]
        if not in_place:
            top[0].reshape(shape)
        self._kept = np.empty(bottom[0].count if in_place else 0, self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, slope, y = bottom[0].data.reshape(-1), self.blobs[0].data.reshape(-1), top[0].data
        if top[0] is bottom[0]:
            parallel_for(copy_range, x.size, x, self._kept, grain=ELEMENTS)
            x = self._kept
        rows = (self._outer * slope.size, self._inner)
        parallel_for(prelu_forward, rows[0], x.reshape(rows), slope, y.reshape(rows), grain=grain(self._inner))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        in_place, dy, slope = top[0] is bottom[0], top[0].diff, self.blobs[0]
        x = self._kept if in_place else bottom[0].data
        if self.param_propagate_down[0]:  # first: in place the bottom's gradient overwrites the top's
            view = (self._outer, slope.count, self._inner)
            parallel_for(prelu_gradient, slope.count, x.reshape(view), dy.reshape(view), slope.diff.reshape(-1),
                         grain=grain(self._outer * self._inner))
        if propagate_down[0]:
            rows = (self._outer * slope.count, self._inner)
            source = dy.reshape(rows)
            target = source if in_place else bottom[0].diff.reshape(rows)
            parallel_for(prelu_backward, rows[0], x.reshape(rows), slope.data.reshape(-1), source, target,
                         grain=grain(self._inner))

    def _channels(self, bottom: Blob) -> int:
        if len(bottom.shape) < 2:
            self.fail(ShapeError, f"the slopes are along axis 1, which bottom {self.param.bottom[0]!r} of shape "
                      f"{bottom.shape} does not have")
        return bottom.shape[1]
