"""Concat: several bottoms joined along an axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.arrays import copy_blocks
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Concat")
class ConcatLayer(Layer):
    """The bottoms one after another along ``axis``; they agree in all others. A single bottom is the top itself.

    Along ``axis`` the top is as large as all bottoms together.

    Source: Caffe's concat_layer.cpp.

    Raises:
        ShapeError: the bottoms do not agree.
        ParameterError: both ``axis`` and its old name ``concat_dim`` are given.
        GraphError: it would work in place.
    """

    bottoms = (1, None)
    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.concat_param
        if param.HasField("axis") and param.HasField("concat_dim"):
            self.fail(ParameterError, "concat_param has both axis and concat_dim, which is its old name; keep axis")
        if len(bottom) > 1:
            refuse_in_place(self, bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.concat_param, bottom[0].shape
        axis = self.axis(param.concat_dim if param.HasField("concat_dim") else param.axis, len(shape))
        for name, blob in zip(self.param.bottom, bottom, strict=True):
            if len(blob.shape) != len(shape) or blob.shape[:axis] + blob.shape[axis + 1:] != (
                    shape[:axis] + shape[axis + 1:]):
                self.fail(ShapeError, f"bottom {name!r} of shape {blob.shape} and {self.param.bottom[0]!r} of shape "
                          f"{shape} must agree in all axes but axis {axis}")
        self._outer, self._inner = prod(shape[:axis]), prod(shape[axis + 1:])
        self._sizes = [blob.shape[axis] for blob in bottom]
        top[0].reshape((*shape[:axis], sum(self._sizes), *shape[axis + 1:]))
        if len(bottom) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        whole = top[0].data.reshape(-1)
        for i, start, step, size in self._pieces():
            parallel_for(copy_blocks, self._outer, bottom[i].data.reshape(-1), 0, size, whole, start, step, size,
                         grain=grain(size))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        whole = top[0].diff.reshape(-1)
        for i, start, step, size in self._pieces():
            if propagate_down[i]:
                parallel_for(copy_blocks, self._outer, whole, start, step, bottom[i].diff.reshape(-1), 0, size, size,
                             grain=grain(size))

    def _pieces(self) -> Iterator[tuple[int, int, int, int]]:
        """For each bottom its index, its start in the top, the top's step, and how many elements lie together."""
        if len(self._sizes) == 1:
            return
        start, step = 0, sum(self._sizes) * self._inner
        for i, n in enumerate(self._sizes):
            yield i, start, step, n * self._inner
            start += n * self._inner
