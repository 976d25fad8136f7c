"""What the layers have in common that need their bottom again on the way back, and may yet work in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.kernels.arrays import copy_range
from caffe_lite.layers.base import Layer
from caffe_lite.parallel import call


class NormalizingLayer(Layer):
    """Keeps a copy of the bottom where the top overwrites it, and only there."""

    needs_bottom = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        in_place = top[0] is bottom[0] and self.needs_bottom
        self._copy = np.empty(bottom[0].shape, self.context.dtype) if in_place else None
        top[0].reshape(bottom[0].shape)

    def take_bottom(self, bottom: Sequence[Blob]) -> Array:
        """The bottom's values, to be read in the forward pass."""
        if self._copy is None:
            return bottom[0].data
        call(copy_range, 0, self._copy.size, bottom[0].data.reshape(-1), self._copy.reshape(-1))
        return self._copy

    def taken_bottom(self, bottom: Sequence[Blob]) -> Array:
        """The same values, in the backward pass."""
        return bottom[0].data if self._copy is None else self._copy
