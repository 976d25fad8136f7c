"""Interp: an image in another size, bilinear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.interpolate import interpolate, interpolate_back
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 13  # elements worth a thread


@register("Interp")
class InterpLayer(Layer):
    """Corners stay corners: place i of n lies at ``i (m - 1) / (n - 1)`` among the m of the bottom.

    Bottom: ``(num, channels, height, width)``; negative ``pad_beg`` and ``pad_end`` leave out its first and last rows
    and columns. The size n of the top, for each m left: ``(m - 1) / shrink_factor + 1``, or
    ``m + (m - 1) (zoom_factor - 1)``, or ``height`` and ``width``, or the first and then the second.

    Source: interp_layer.cpp and interp.cpp of PSPNet and DeepLab.

    Raises:
        ParameterError: there is no size, a factor below 1, or a positive pad.
        ShapeError: the bottom has not four axes, or nothing is left of it.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.interp_param
        if param.pad_beg > 0 or param.pad_end > 0:
            self.fail(ParameterError, f"pad_beg and pad_end can only crop: give 0 or less, found {param.pad_beg} and "
                      f"{param.pad_end}")
        if param.zoom_factor < 1 or param.shrink_factor < 1:
            self.fail(ParameterError, f"zoom_factor and shrink_factor must be 1 or more, found {param.zoom_factor} and "
                      f"{param.shrink_factor}")
        self._zoom, self._shrink = param.HasField("zoom_factor"), param.HasField("shrink_factor")
        self._fixed = param.HasField("height") and param.HasField("width")
        if not (self._zoom or self._shrink or self._fixed):
            self.fail(ParameterError, "there is no size; give interp_param { height: ... width: ... }, zoom_factor or "
                      "shrink_factor")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, param = bottom[0].shape, self.param.interp_param
        if len(shape) != 4:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} must have 4 axes (num, channels, height, width), "
                      f"found shape {shape}")
        old = [n + param.pad_beg + param.pad_end for n in shape[2:]]
        new = [self._new_size(m, fixed) for m, fixed in zip(old, (param.height, param.width), strict=True)]
        if min(old) < 1 or min(new) < 1:
            self.fail(ShapeError, f"nothing is left of bottom {self.param.bottom[0]!r} of shape {shape}: {old} is to "
                      f"become {new} (height, width)")
        self._grid = [part for m, n in zip(old, new, strict=True) for part in self._neighbours(m, n)]
        top[0].reshape((*shape[:2], *new))

    def _new_size(self, old: int, fixed: int) -> int:
        param, zoom, shrink = self.param.interp_param, self._zoom, self._shrink
        if self._fixed and zoom == shrink:
            return fixed
        if shrink:
            old = (old - 1) // param.shrink_factor + 1
        return old + (old - 1) * (param.zoom_factor - 1) if zoom else old

    def _neighbours(self, old: int, new: int) -> tuple[Array, Array, int]:
        """For each new place the old one before it, and how far after that it lies, in float32 as in the fork; the
        last old place."""
        ratio = np.float32(old - 1) / np.float32(new - 1) if new > 1 else np.float32(0)
        at = ratio * np.arange(new, dtype=np.float32)
        before, first = at.astype(np.int64), -self.param.interp_param.pad_beg
        parts = (at - before.astype(np.float32)).astype(self.context.dtype)
        return before + first, parts, old - 1 + first

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = _planes(bottom[0].data), _planes(top[0].data)
        parallel_for(interpolate, len(x), x, *self._grid, y, grain=max(1, GRAIN // y[0].size))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            dx, dy = _planes(bottom[0].diff), _planes(top[0].diff)
            parallel_for(interpolate_back, len(dx), dy, *self._grid, dx, grain=max(1, GRAIN // dy[0].size))


def _planes(array: Array) -> Array:
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])
