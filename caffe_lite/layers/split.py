"""Split: one blob for several readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import GraphError
from caffe_lite.kernels.arrays import add, add_four, copy_range
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import ELEMENTS
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Split")
class SplitLayer(Layer):
    """Every top has the bottom's values, in the same memory; ``bottom.diff = Σ_i top[i].diff``.

    Source: Caffe's split_layer.cpp.

    Raises:
        GraphError: a top has the bottom's name.
    """

    tops = (1, None)
    replayable = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob in top:
            if blob is bottom[0]:
                self.fail(GraphError, "cannot work in place: give its tops other names than its bottom")
            blob.reshape(bottom[0].shape)
            blob.share_data(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        out, first, *others = (blob.diff.reshape(-1) for blob in (bottom[0], *top))
        if not others:
            self._run(copy_range, first, out)
        elif len(others) >= 3:  # in one pass what most splits have
            self._run(add_four, first, *others[:3], out)
            first, others = out, others[3:]
        for part in others:
            self._run(add, first, part, out)
            first = out

    @staticmethod
    def _run(kernel: Any, *arrays: Array) -> None:
        parallel_for(kernel, arrays[0].size, *arrays, grain=ELEMENTS)
