"""ArgMax: where the largest values are."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.argmax import largest
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("ArgMax")
class ArgMaxLayer(Layer):
    """The indices of the ``top_k`` largest values, largest first; of equal values the last comes first.

    With ``axis``: along it, in its place; with ``out_max_val`` the values instead of the indices. Without: among all
    values of an item, in a top of shape ``(items, 1, top_k)``, with ``out_max_val`` ``(items, 2, top_k)``, indices
    and then values; as many axes of size 1 follow as the bottom has more. It has no gradient.

    Source: Caffe's argmax_layer.cpp.

    Raises:
        ParameterError: there are not ``top_k`` values to choose from, or a gradient is wanted.
        ShapeError: the bottom is a scalar.
        GraphError: it would work in place.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape, name = self.param.argmax_param, bottom[0].shape, self.param.bottom[0]
        top_k, values = param.top_k, param.out_max_val
        if param.HasField("axis"):
            axis = self.axis(param.axis, len(shape))
            self._view = prod(shape[:axis]), shape[axis], prod(shape[axis + 1:])
            top_shape: tuple[int, ...] = (*shape[:axis], top_k, *shape[axis + 1:])
            self._starts = (-1, 0) if values else (0, -1)
        else:
            if not shape:
                self.fail(ShapeError, f"bottom {name!r} is a scalar; it must have items along axis 0")
            self._view = shape[0], prod(shape[1:]), 1
            top_shape = (shape[0], 2 if values else 1, top_k, *[1] * (len(shape) - 3))
            self._starts = (0, top_k) if values else (0, -1)
        if not 1 <= top_k <= self._view[1]:
            self.fail(ParameterError, f"top_k {top_k} is not 1 to {self._view[1]}, the number of values to choose from "
                      f"in bottom {name!r} of shape {shape}")
        top[0].reshape(top_shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        outer, dim, inner = self._view
        top_k = self.param.argmax_param.top_k
        parallel_for(largest, outer, bottom[0].data.reshape(self._view), top_k, top[0].count // max(1, outer),
                     *self._starts, top[0].data.reshape(-1), grain=grain(top_k * dim * inner))

    def allow_force_backward(self, index: int) -> bool:
        return False

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if any(propagate_down):
            self.fail(ParameterError, "has no gradient; set propagate_down: false, or have no loss above it")
