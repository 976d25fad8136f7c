"""BatchReindex: items of a batch in another order, left out or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import DataError, ParameterError, ShapeError
from caffe_lite.kernels.rows import first_outside, gather_rows, scatter_add_rows
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("BatchReindex")
class BatchReindexLayer(Layer):
    """``top[m] = bottom[0][index[m]]`` with ``index = bottom[1]``, which has one axis.

    The top is ``(indices, ...)``, with the other axes of ``bottom[0]``.

    Source: Caffe's batch_reindex_layer.cpp.

    Raises:
        ShapeError: the indices have not one axis, or ``bottom[0]`` has none.
        DataError: in ``forward``, when an index is none of the items.
        ParameterError: the indices are to have a gradient.
        GraphError: it would work in place.
    """

    bottoms = (2, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        names, shape, index = self.param.bottom, bottom[0].shape, bottom[1].shape
        if len(index) != 1:
            self.fail(ShapeError, f"the indices {names[1]!r} of shape {index} must have one axis")
        if not shape:
            self.fail(ShapeError, f"bottom {names[0]!r} is a scalar; it must have items along axis 0")
        self._size = prod(shape[1:])
        top[0].reshape((*index, *shape[1:]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        index, items = bottom[1].data, bottom[0].shape[0]
        bad = first_outside(index, items)
        if bad >= 0:
            self.fail(DataError, f"index {index[bad]:g} at position {bad} of {self.param.bottom[1]!r} is not one of "
                      f"the {items} items 0 to {items - 1} of {self.param.bottom[0]!r}")
        parallel_for(gather_rows, index.size, index, bottom[0].data.reshape(-1), self._size, top[0].data.reshape(-1),
                     grain=grain(self._size))

    def allow_force_backward(self, index: int) -> bool:
        return index != 1

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[1]:
            self.fail(ParameterError, f"cannot backpropagate to the indices {self.param.bottom[1]!r}; set "
                      "its propagate_down to false")
        if propagate_down[0]:
            index, dx = bottom[1].data, bottom[0].diff.reshape(-1)
            dx.fill(0)
            parallel_for(scatter_add_rows, self._size, index, index.size, top[0].diff.reshape(-1), self._size, dx,
                         grain=grain(index.size))
