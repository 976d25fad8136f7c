"""LRN: every value divided by how strong its neighbours are."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.lrn import lrn_backward, lrn_forward
from caffe_lite.kernels.lrn_five import lrn_five_backward, lrn_five_forward
from caffe_lite.layers.normalizing import NormalizingLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for, threads

GRAIN = 1 << 12  # elements worth a thread
WIDE = 512  # elements of short rows side by side


@register("LRN")
class LRNLayer(NormalizingLayer):
    """``y = x (k + alpha / n Σ x²) ** -beta`` over a window around each value; may work in place.

    ACROSS_CHANNELS: the window is ``local_size`` channels, and n is ``local_size``. WITHIN_CHANNEL: it is a square
    of ``local_size`` by ``local_size`` in the plane, n its area, and k is 1 whatever the prototxt says.

    The top has the bottom's shape, ``(num, channels, height, width)``.

    Source: Caffe's lrn_layer.cpp; Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional
    neural networks", 2012.

    Raises:
        ParameterError: ``local_size`` is even.
        ShapeError: the bottom has not four axes.
    """

    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, number = self.param.lrn_param, self.context.dtype
        size = param.local_size
        if size % 2 == 0:
            self.fail(ParameterError, f"local_size must be odd, so that a window has a middle; found {size}")
        self._within = param.norm_region == param.WITHIN_CHANNEL
        self._k = number(1 if self._within else param.k)
        self._alpha = number(param.alpha / (size * size if self._within else size))
        self._beta = number(param.beta)
        self._halves = (size // 2, size // 2 if self._within else 0)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) != 4:
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} must have 4 axes (num, channels, height, width), "
                      f"found shape {shape}")
        super().reshape(bottom, top)
        split = 2 if self._within else 1
        rows, columns = shape[split], prod(shape[split + 1:])
        self._view = (prod(shape[:split]), rows, columns)
        # Of few images every thread gets a part.
        items = self._view[0]
        strips = 1 if self._within else -(-threads() // max(1, items))
        self._strip = max(1, -(-columns // strips))
        width = self._strip + self._halves[1]
        self._together = max(1, min(WIDE // width, -(-items // threads()))) if self._within else 1
        self._units = -(-items // self._together) * -(-columns // self._strip)
        self._scratch = self.context.workspace.per_thread("rows", (4 * self._halves[0] + 6) * self._together * width,
                                                          self.context.dtype)
        self._grain = max(1, GRAIN // max(1, rows * self._together * width))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._run(lrn_forward, lrn_five_forward, self.take_bottom(bottom), top[0].data)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            self._run(lrn_backward, lrn_five_backward, self.taken_bottom(bottom), top[0].diff, bottom[0].diff)

    def _run(self, kernel: Any, usual: Any, *arrays: Array) -> None:
        """Call one of the two, with ``arrays`` of one shape, of which the first is x."""
        x, *others = (a.reshape(self._view) for a in arrays)
        if self._halves == (2, 0) and self._beta == 0.75:
            kernel, numbers = usual, [self._k, self._alpha]
        else:
            numbers = [*self._halves, self._k, self._alpha, self._beta, self._together]
        parallel_for(kernel, self._units, x, *numbers, self._strip, *others, self._scratch, grain=self._grain)
