"""SPP: pooling over ever finer grids, so that images of any size give as many values."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.arrays import add, copy_blocks
from caffe_lite.layers.base import Layer
from caffe_lite.layers.pooling import PoolingLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import LayerParameter


@register("SPP")
class SPPLayer(Layer):
    """Level i, from 0 to ``pyramid_height - 1``, pools ``(n, channels, height, width)`` into a grid of 2^i by 2^i; the
    top is ``(n, Σ channels 4^i)``, the levels after each other, or ``(n, channels, 1, 1)`` for a single level.

    A grid has windows of ``ceil(size / 2^i)`` next to each other, and as much padding as makes them cover the image.

    Attributes:
        levels, pooled: the poolings and their tops.

    Source: Caffe's spp_layer.cpp; He, Zhang, Ren, Sun, "Spatial pyramid pooling in deep convolutional networks for
    visual recognition", 2014.

    Raises:
        ParameterError: ``pyramid_height`` is missing, or a grid is too fine for the bottom.
        ShapeError: the bottom has not four axes.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.param.spp_param.pyramid_height < 1:
            self.fail(ParameterError, "pyramid_height must be 1 or more; set spp_param { pyramid_height: ... }")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) != 4 or 0 in shape[2:]:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} must have 4 axes (num, channels, height, width), "
                      f"found shape {shape}")
        height = self.param.spp_param.pyramid_height
        self.levels = [self._pooling(level, *shape[2:]) for level in range(height)]
        self.pooled = [Blob((), self.context.dtype) for _ in self.levels]
        self._part = Blob(shape, self.context.dtype)  # the bottom, with a gradient of its own
        for layer, pooled in zip(self.levels, self.pooled, strict=True):
            layer.setup(bottom, [pooled])
            layer.reshape(bottom, [pooled])
        self._sizes = [prod(pooled.shape[1:]) for pooled in self.pooled]
        top[0].reshape(self.pooled[0].shape if len(self.levels) == 1 else (shape[0], sum(self._sizes)))

    def _pooling(self, level: int, height: int, width: int) -> PoolingLayer:
        bins = 1 << level
        (kernel_h, pad_h), (kernel_w, pad_w) = ((-(-n // bins), (-n % bins + 1) // 2) for n in (height, width))
        if pad_h >= kernel_h or pad_w >= kernel_w:
            self.fail(ParameterError, f"a grid of {bins} x {bins} is too fine for the planes of {height} x {width} of "
                      f"bottom {self.param.bottom[0]!r}: windows would be all padding; make pyramid_height "
                      f"{level} at most")
        param = LayerParameter(name=self.name, type="Pooling", bottom=list(self.param.bottom), top=list(self.param.top))
        pooling = param.pooling_param
        pooling.pool = self.param.spp_param.pool
        pooling.kernel_h, pooling.kernel_w, pooling.pad_h, pooling.pad_w = kernel_h, kernel_w, pad_h, pad_w
        pooling.stride_h, pooling.stride_w = kernel_h, kernel_w
        return PoolingLayer(param, self.context)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        y, step, start = top[0].data.reshape(-1), sum(self._sizes), 0
        for layer, pooled, size in zip(self.levels, self.pooled, self._sizes, strict=True):
            layer.forward(bottom, [pooled])
            copy_blocks(0, bottom[0].shape[0], pooled.data.reshape(-1), 0, size, y, start, step, size)
            start += size

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        self._part.share_data(bottom[0])
        dy, step, start = top[0].diff.reshape(-1), sum(self._sizes), 0
        dx, part = bottom[0].diff.reshape(-1), self._part.diff.reshape(-1)
        for level, (layer, pooled, size) in enumerate(zip(self.levels, self.pooled, self._sizes, strict=True)):
            copy_blocks(0, bottom[0].shape[0], dy, start, step, pooled.diff.reshape(-1), 0, size, size)
            start += size
            layer.backward([pooled], [True], [self._part] if level else bottom)
            if level:
                parallel_for(add, dx.size, dx, part, dx, grain=1 << 16)
