"""Crop: a part of a blob, as large as another blob."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.blocks import crop_backward, crop_forward
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Crop")
class CropLayer(Layer):
    """``top[i] = bottom[0][i + offset]``, from ``axis`` on as large as ``bottom[1]``, before it as ``bottom[0]``.

    ``offset``: none, one for all cropped axes, or one for each. The values of ``bottom[1]`` do not matter; its
    gradient is 0.

    Source: Caffe's crop_layer.cpp.

    Raises:
        ShapeError: the crop reaches beyond ``bottom[0]``, or ``bottom[1]`` has other axes.
        ParameterError: there are neither 1 nor as many offsets as cropped axes.
        GraphError: it would work in place.
    """

    bottoms = (2, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        names, shape, wanted = self.param.bottom, bottom[0].shape, bottom[1].shape
        axis = self.axis(self.param.crop_param.axis, len(shape))
        cropped, offsets = len(shape) - axis, list(self.param.crop_param.offset)
        if len(wanted) < len(shape):
            self.fail(ShapeError, f"bottom {names[1]!r} of shape {wanted} does not say how large to crop the "
                      f"{len(shape)} axes of {names[0]!r} of shape {shape}")
        if len(offsets) not in (0, 1, cropped):
            self.fail(ParameterError, f"{len(offsets)} offsets for {cropped} cropped axes; give none, one for all of "
                      "them, or one for each")
        offsets = [0] * axis + (offsets * cropped if len(offsets) == 1 else offsets or [0] * cropped)
        sizes = (*shape[:axis], *wanted[axis: len(shape)])
        for i, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
            if offset + size > shape[i]:
                self.fail(ShapeError, f"axis {i}: a crop of size {size} at offset {offset} reaches beyond the "
                          f"{shape[i]} of {names[0]!r} of shape {shape}")
        steps = [prod(shape[i + 1:]) for i in range(len(shape))]
        self._start = sum(offset * step for offset, step in zip(offsets, steps, strict=True))
        self._sizes, self._steps = np.array(sizes[:-1], np.int64), np.array(steps[:-1], np.int64)
        self._rows, self._width = prod(sizes[:-1]), sizes[-1]
        top[0].reshape(sizes)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        parallel_for(crop_forward, self._rows, bottom[0].data.reshape(-1), self._sizes, self._steps, self._start,
                     self._width, top[0].data.reshape(-1), grain=grain(self._width))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            bottom[0].diff.fill(0)
            parallel_for(crop_backward, self._rows, top[0].diff.reshape(-1), self._sizes, self._steps, self._start,
                         self._width, bottom[0].diff.reshape(-1), grain=grain(self._width))
        if propagate_down[1]:
            bottom[1].diff.fill(0)
