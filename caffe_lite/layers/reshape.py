"""Reshape: the same elements in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register


@register("Reshape")
class ReshapeLayer(Layer):
    """The bottom, in the same memory, with ``num_axes`` axes from ``axis`` on replaced by ``shape``.

    In ``shape``, 0 is the bottom's size at this place and -1, at most once, whatever is left. A negative ``axis``
    counts from behind the last; a ``num_axes`` of -1 is all to the end, of 0 inserts axes.

    Source: Caffe's reshape_layer.cpp.

    Raises:
        ParameterError: ``shape`` has more than one -1 or a 0 without an axis, or the axes are none of the bottom's.
        ShapeError: the bottom's elements do not fit into the shape.
        GraphError: it would work in place.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        dims = list(self.param.reshape_param.shape.dim)
        if dims.count(-1) > 1 or min(dims, default=0) < -1:
            self.fail(ParameterError, f"shape {dims} may hold sizes, 0 for the bottom's own, and at most one -1")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)
        shape = self._shape(bottom[0].shape)
        if prod(shape) != bottom[0].count:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} of shape {bottom[0].shape} has {bottom[0].count} "
                      f"elements, the shape {shape} has {prod(shape)}")
        top[0].reshape(shape)
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        pass

    def _shape(self, old: tuple[int, ...]) -> tuple[int, ...]:
        param, name = self.param.reshape_param, self.param.bottom[0]
        dims, start = list(param.shape.dim), param.axis if param.axis >= 0 else len(old) + 1 + param.axis
        end = len(old) if param.num_axes == -1 else start + param.num_axes
        if not 0 <= start <= end <= len(old):
            self.fail(ParameterError, f"axis {param.axis} and num_axes {param.num_axes} do not fit the {len(old)} axes "
                      f"of bottom {name!r} of shape {old}")
        for i, size in enumerate(dims):
            if size == 0:
                if start + i >= len(old):
                    self.fail(ParameterError, f"shape {dims} has a 0 at place {i}, but bottom {name!r} of shape {old} "
                              f"has no axis {start + i} to take the size from")
                dims[i] = old[start + i]
        if -1 in dims:
            known = prod((*old[:start], *(size for size in dims if size != -1), *old[end:]))
            if known == 0 or prod(old) % known:
                self.fail(ShapeError, f"the {prod(old)} elements of bottom {name!r} of shape {old} cannot be divided "
                          f"among the {known} that the other sizes of shape {dims} make")
            dims[dims.index(-1)] = prod(old) // known
        return (*old[:start], *dims, *old[end:])
