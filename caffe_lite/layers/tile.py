"""Tile: a blob repeated along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError
from caffe_lite.kernels.blocks import tile_backward, tile_forward
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Tile")
class TileLayer(Layer):
    """``tiles`` copies of the bottom, one after another along ``axis``.

    Along ``axis`` the top is ``tiles`` times as large.

    Source: Caffe's tile_layer.cpp.

    Raises:
        ParameterError: ``tiles`` is missing, or the bottom has no such axis.
        GraphError: it would work in place.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)
        self._tiles = self.param.tile_param.tiles
        if self._tiles < 1:
            self.fail(ParameterError, f"tiles is {self._tiles}: set tile_param {{ tiles: ... }} to 1 or more")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        axis = self.axis(self.param.tile_param.axis, len(shape))
        self._rows, self._size = prod(shape[:axis]), prod(shape[axis:])
        top[0].reshape((*shape[:axis], shape[axis] * self._tiles, *shape[axis + 1:]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        parallel_for(tile_forward, self._rows, bottom[0].data.reshape(-1), self._tiles, self._size,
                     top[0].data.reshape(-1), grain=grain(self._tiles * self._size))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            parallel_for(tile_backward, self._rows, top[0].diff.reshape(-1), self._tiles, self._size,
                         bottom[0].diff.reshape(-1), grain=grain(self._tiles * self._size))
