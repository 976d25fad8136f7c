"""What the layers that treat every element alike have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.kernels.arrays import copy_blocks
from caffe_lite.layers.base import Layer
from caffe_lite.parallel import call, parallel_for
from caffe_lite.schema import TRAIN

log = logging.getLogger(__name__)
GRAIN = 1 << 13  # elements: an exponential of each takes about as long as to wake a thread
Kernel = Callable[..., None]


class NeuronLayer(Layer):
    """``y[i] = f(x[i])``; may work in place.

    A subclass names its kernels and the numbers that they take last.

    Attributes:
        kernels: ``forward(begin, end, x, y, *numbers)`` and, where there is a gradient,
            ``backward(begin, end, x, y, dy, dx, *numbers)``.
        keeps_bottom: the derivative needs x itself; in place, a copy of it is kept.

    Source: Caffe's neuron_layer.cpp.
    """

    kernels: ClassVar[tuple[Kernel, ...]]
    keeps_bottom: bool = False
    replayable = True

    def numbers(self) -> Sequence[float]:
        """The scalars among the layer's parameters, in the order that its kernels take them."""
        return ()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._numbers = [self.context.dtype(number) for number in self.numbers()]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)
        self._kept = np.empty(bottom[0].count if self._keeps(bottom, top) else 0, self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, count = bottom[0].data.reshape(-1), bottom[0].count
        if self._keeps(bottom, top):
            call(copy_blocks, 0, 1, x, 0, 0, self._kept, 0, 0, count)
        parallel_for(self.kernels[0], count, x, top[0].data.reshape(-1), *self._numbers, grain=GRAIN)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        x = self._kept if self._keeps(bottom, top) else bottom[0].data.reshape(-1)
        y, dy, dx = top[0].data.reshape(-1), top[0].diff.reshape(-1), bottom[0].diff.reshape(-1)
        parallel_for(self.kernels[1], bottom[0].count, x, y, dy, dx, *self._numbers, grain=GRAIN)

    def warn_in_place(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Say, when training, that in place the gradient is Caffe's, and not the derivative."""
        if top[0] is bottom[0] and self.context.phase == TRAIN:
            log.warning("layer %s (%s) works in place: as in Caffe, its gradient is taken at its output instead of "
                        "its input, which is another number; give its top a name of its own", self.name, self.type)

    def _keeps(self, bottom: Sequence[Blob], top: Sequence[Any]) -> bool:
        return self.keeps_bottom and top[0] is bottom[0]
