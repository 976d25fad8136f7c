"""ShuffleChannel: channels of all groups mixed."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.permute import permute, permute_back
from caffe_lite.layers.base import Layer
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("ShuffleChannel")
class ShuffleChannelLayer(Layer):
    """Channel ``j g + i`` of the top is channel ``i C/g + j`` of the bottom, for g groups and C channels (axis 1).

    The top has the bottom's shape, ``(num, channels, ...)``.

    Source: ShuffleNet's shuffle_channel_layer.cpp; Zhang, Zhou, Lin, Sun, "ShuffleNet", 2017.

    Raises:
        ParameterError: ``group`` is 0.
        ShapeError: the channels are no multiple of ``group``.
        GraphError: it would work in place.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)
        if self.param.shuffle_channel_param.group < 1:
            self.fail(ParameterError, "group must be 1 or more; set shuffle_channel_param { group: ... }")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, group = bottom[0].shape, self.param.shuffle_channel_param.group
        if len(shape) < 2 or shape[1] % group:
            self.fail(ShapeError, f"the channels (axis 1) of bottom {self.param.bottom[0]!r} of shape {shape} must be "
                      f"a multiple of group {group}")
        images, members, inner = shape[0], shape[1] // group, prod(shape[2:])
        self._sizes = np.array([images, members, group, inner], np.int64)
        self._steps = np.array([shape[1] * inner, inner, members * inner, 1], np.int64)
        top[0].reshape(shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        parallel_for(permute, int(self._sizes[:3].prod()), bottom[0].data.reshape(-1), self._sizes, self._steps,
                     top[0].data.reshape(-1), grain=max(1, (1 << 15) // max(1, int(self._sizes[3]))))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            parallel_for(permute_back, int(self._sizes[:3].prod()), top[0].diff.reshape(-1), self._sizes, self._steps,
                         bottom[0].diff.reshape(-1), grain=max(1, (1 << 15) // max(1, int(self._sizes[3]))))
