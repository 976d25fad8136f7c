"""Axpy: a scaled blob and another one, added."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.arrays import copy_blocks
from caffe_lite.kernels.axpy import axpy, row_dots, scale_by_row
from caffe_lite.layers.base import Layer
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 14  # elements worth a thread


@register("Axpy")
class AxpyLayer(Layer):
    """``y[n, c] = a[n, c] x[n, c] + b[n, c]``.

    Bottoms: a, ``(num, channels)`` or ``(num, channels, 1, 1)``, and x and b, both ``(num, channels, ...)``.

    The top has the shape of x.

    Source: SENet's axpy_layer.cpp; Hu, Shen, Sun, "Squeeze-and-excitation networks", 2017.

    Raises:
        ShapeError: they have other shapes.
        GraphError: it would work in place.
    """

    bottoms = (3, 3)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        refuse_in_place(self, bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        names, (a, x, b) = self.param.bottom, (blob.shape for blob in bottom)
        if x != b or len(x) < 2:
            self.fail(ShapeError, f"bottoms {names[1]!r} of shape {x} and {names[2]!r} of shape {b} must have one "
                      "shape (num, channels, ...)")
        if a[:2] != x[:2] or prod(a[2:]) != 1:
            self.fail(ShapeError, f"bottom {names[0]!r} of shape {a} must have one number for each channel of "
                      f"{names[1]!r} of shape {x}")
        self._rows, self._inner = x[0] * x[1], prod(x[2:])
        self._grain = max(1, GRAIN // max(1, self._inner))
        top[0].reshape(x)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, x, b = (blob.data.reshape(-1) for blob in bottom)
        parallel_for(axpy, self._rows, a, x, b, self._inner, top[0].data.reshape(-1), grain=self._grain)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        a, x, dy = bottom[0].data.reshape(-1), bottom[1].data.reshape(-1), top[0].diff.reshape(-1)
        da, dx, db = (blob.diff.reshape(-1) if wanted else None for blob, wanted in zip(
            bottom, propagate_down, strict=True))
        if da is not None:
            parallel_for(row_dots, self._rows, x, dy, self._inner, da, grain=self._grain)
        if dx is not None:
            parallel_for(scale_by_row, self._rows, a, dy, self._inner, dx, grain=self._grain)
        if db is not None:
            copy_blocks(0, 1, dy, 0, 0, db, 0, 0, dy.size)
