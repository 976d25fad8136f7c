"""Slice: one bottom cut along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.arrays import copy_blocks
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Slice")
class SliceLayer(Layer):
    """``top[i]`` is the bottom from ``slice_point[i - 1]`` to ``slice_point[i]`` along ``axis``.

    Without slice points the axis is cut into equal parts. A single top is the bottom itself.

    Source: Caffe's slice_layer.cpp.

    Raises:
        ParameterError: the slice points do not rise within the axis, or are not one less than the tops; or both
            ``axis`` and its old name ``slice_dim`` are given.
        ShapeError: the axis has no equal parts.
    """

    tops = (1, None)
    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.slice_param
        if param.HasField("axis") and param.HasField("slice_dim"):
            self.fail(ParameterError, "slice_param has both axis and slice_dim, which is its old name; keep axis")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.slice_param
        shape = bottom[0].shape
        axis = self.axis(param.slice_dim if param.HasField("slice_dim") else param.axis, len(shape))
        size, points = shape[axis], list(param.slice_point)
        if points:
            if len(points) != len(top) - 1:
                self.fail(ParameterError, f"{len(points)} slice_point(s) cut {len(points) + 1} pieces, but there "
                          f"are {len(top)} tops")
            bounds = [0, *points, size]
            if any(a >= b for a, b in pairwise(bounds)):
                self.fail(ParameterError, f"slice_point {points} does not rise from 1 to {size - 1} along axis "
                          f"{axis} of the bottom {self.param.bottom[0]!r} of shape {shape}")
        else:
            if size % len(top):
                self.fail(ShapeError, f"axis {axis} of the bottom {self.param.bottom[0]!r} of shape {shape} cannot "
                          f"be cut into {len(top)} equal parts; give slice_point")
            bounds = list(range(0, size + 1, size // len(top)))
        self._outer, self._inner = prod(shape[:axis]), prod(shape[axis + 1:])
        self._bounds = bounds
        for blob, (a, b) in zip(top, pairwise(bounds), strict=True):
            blob.reshape((*shape[:axis], b - a, *shape[axis + 1:]))
        if len(top) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        whole = bottom[0].data.reshape(-1)
        for blob, start, step, size in self._pieces(top):
            parallel_for(copy_blocks, self._outer, whole, start, step, blob.data.reshape(-1), 0, size, size,
                         grain=grain(size))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        whole = bottom[0].diff.reshape(-1)
        for blob, start, step, size in self._pieces(top):
            parallel_for(copy_blocks, self._outer, blob.diff.reshape(-1), 0, size, whole, start, step, size,
                         grain=grain(size))

    def _pieces(self, top: Sequence[Blob]) -> list[tuple[Blob, int, int, int]]:
        if len(top) == 1:
            return []
        step = self._bounds[-1] * self._inner
        return [
            (blob, a * self._inner, step, (b - a) * self._inner)
            for blob, (a, b) in zip(top, pairwise(self._bounds), strict=True)
        ]
