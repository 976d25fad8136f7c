"""SmoothL1Loss: quadratic near 0, and beyond linear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.smooth_l1 import smooth_l1_backward, smooth_l1_forward
from caffe_lite.layers.loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 14  # elements worth a thread


@register("SmoothL1Loss")
class SmoothL1LossLayer(LossLayer):
    """``loss = 1/N Σ outside f(inside (a - b))`` with ``f(d) = (sigma d)² / 2`` for ``|d| < 1 / sigma²``, else
    ``|d| - 1 / (2 sigma²)``.

    Bottoms of one shape: a, b, and optionally inside weights, and with them outside weights; both a and b have a
    gradient. As in the forks, inside weights that come alone must be 0 or 1: they do not enter the gradient again.

    The top is a scalar.

    Source: smooth_L1_loss_layer.cu of Faster R-CNN (2 or 4 bottoms) and of SSD (2 or 3); Girshick, "Fast R-CNN", 2015.

    Raises:
        ParameterError: ``sigma`` is not above 0.
        ShapeError: the bottoms have several shapes.
    """

    bottoms = (2, 4)

    def allow_force_backward(self, index: int) -> bool:
        return index < 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        sigma = self.param.smooth_l1_loss_param.sigma
        if not sigma > 0:
            self.fail(ParameterError, f"sigma must be larger than 0, found {sigma:g}")
        self._sigma2 = self.context.dtype(sigma) * self.context.dtype(sigma)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        for name, blob in zip(self.param.bottom, bottom, strict=False):
            if _four_axes(blob.shape) != _four_axes(shape):
                self.fail(ShapeError, f"bottom {name!r} of shape {blob.shape} must have the shape of "
                          f"{self.param.bottom[0]!r}: {shape}")
        self._view = (shape[0], bottom[0].count // max(1, shape[0]))
        self._diff, self._losses = np.empty(self._view, self.context.dtype), np.empty(shape[0], self.context.dtype)
        self._none = np.empty((0, 0), self.context.dtype)
        self._grain = max(1, GRAIN // max(1, self._view[1]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, b, inside, outside = self._arrays(bottom)
        parallel_for(smooth_l1_forward, len(a), a, b, inside, outside, self._sigma2, self._diff, self._losses,
                     grain=self._grain)
        top[0].data[...] = self._losses.sum() / len(a)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        _, _, inside, outside = self._arrays(bottom)
        factor = float(top[0].diff) / self._view[0]
        for blob, sign, wanted in zip(bottom, (1, -1), propagate_down, strict=False):
            if wanted:
                parallel_for(smooth_l1_backward, self._view[0], self._diff, inside, outside, self._sigma2,
                             self.context.dtype(sign * factor), blob.diff.reshape(self._view), grain=self._grain)
        for blob, wanted in zip(bottom[2:], propagate_down[2:], strict=True):
            if wanted:
                blob.diff.fill(0)

    def _arrays(self, bottom: Sequence[Blob]) -> list[Array]:
        given = [blob.data.reshape(self._view) for blob in bottom]
        return given + [self._none] * (4 - len(given))


def _four_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape + (1,) * (4 - len(shape))
