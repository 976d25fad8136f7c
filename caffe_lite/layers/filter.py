"""Filter: the items of a batch that a selector picks."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import GraphError, ParameterError, ShapeError
from caffe_lite.kernels.rows import gather_rows, nonzero, scatter_add_rows
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Filter")
class FilterLayer(Layer):
    """``top[t]`` has those items of ``bottom[t]`` for which the last bottom, the selector, is not 0.

    How many that are is known when the values are: ``reshape`` gives the tops room for all items, ``forward`` their
    shapes, from none to all items.

    Bottoms ``(items, ...)``, the selector with one value for each item; the tops have the other axes of theirs.

    Source: Caffe's filter_layer.cpp.

    Raises:
        GraphError: there is not one top for each bottom but the last, or it would work in place.
        ShapeError: the bottoms have several numbers of items.
        ParameterError: the selector is to have a gradient.
    """

    bottoms = (2, None)
    tops = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(top) != len(bottom) - 1:
            self.fail(GraphError, f"makes one top for each bottom but the last, the selector; found {len(bottom)} "
                      f"bottom and {len(top)} top blob(s)")
        refuse_in_place(self, bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        names, selector = self.param.bottom, bottom[-1].shape
        if not selector or prod(selector[1:]) != 1:
            self.fail(ShapeError, f"the selector {names[-1]!r} of shape {selector} must have one value for each item, "
                      "along axis 0")
        for name, blob in zip(names, bottom, strict=True):
            if blob.shape[:1] != selector[:1]:
                self.fail(ShapeError, f"bottom {name!r} of shape {blob.shape} must have as many items as the selector "
                          f"{names[-1]!r} of shape {selector}")
        self._chosen = np.empty(selector[0], np.int64)
        for source, target in zip(bottom, top, strict=False):
            target.reshape(source.shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        count = nonzero(bottom[-1].data.reshape(-1), self._chosen)
        for source, target in zip(bottom, top, strict=False):
            size = prod(source.shape[1:])
            target.reshape((count, *source.shape[1:]))
            parallel_for(gather_rows, count, self._chosen, source.data.reshape(-1), size, target.data.reshape(-1),
                         grain=grain(size))

    def allow_force_backward(self, index: int) -> bool:
        return index != len(self.param.bottom) - 1

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[-1]:
            self.fail(ParameterError, f"cannot backpropagate to the selector {self.param.bottom[-1]!r}; "
                      "set its propagate_down to false")
        for source, target, wanted in zip(top, bottom, propagate_down, strict=False):
            if wanted:
                count, size = source.shape[0], prod(source.shape[1:])
                target.diff.fill(0)
                parallel_for(scatter_add_rows, size, self._chosen, count, source.diff.reshape(-1), size,
                             target.diff.reshape(-1), grain=grain(count))
