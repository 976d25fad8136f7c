"""Split: one blob for several readers."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import GraphError
from caffe_lite.kernels.arrays import add, copy_blocks
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Split")
class SplitLayer(Layer):
    """Every top has the bottom's values, in the same memory; ``bottom.diff = Σ_i top[i].diff``.

    Source: Caffe's split_layer.cpp.
    """

    tops = (1, None)

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
        count, out = bottom[0].count, bottom[0].diff.reshape(-1)
        first = top[0].diff.reshape(-1)
        if len(top) == 1:
            copy_blocks(0, 1, first, 0, count, out, 0, count, count)
        for blob in top[1:]:
            parallel_for(add, count, first, blob.diff.reshape(-1), out, grain=1 << 16)
            first = out
