"""HingeLoss: one against all others, by a margin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.kernels.losses import hinge_backward, hinge_forward
from caffe_lite.layers.loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 14  # elements worth a thread


@register("HingeLoss")
class HingeLossLayer(LossLayer):
    """``loss = 1/N Σ_n Σ_c max(0, 1 - s x[n, c]) ** p`` with s = 1 for the label's own class and -1 for all others,
    and p = 1 or 2, by ``norm``.

    Bottoms: scores, N times the number of classes, and N labels.

    The top is a scalar.

    Source: Caffe's hinge_loss_layer.cpp.

    Raises:
        ShapeError: there is not one label for each row of scores.
        DataError: in ``forward``, when a label is none of the classes.
        ParameterError: the labels are to have a gradient.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._view = self.rows_of_scores(bottom)
        self._losses = np.empty(self._view[0], self.context.dtype)
        self._squared = self.param.hinge_loss_param.norm == self.param.hinge_loss_param.L2
        self._grain = max(1, GRAIN // max(1, self._view[1]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        (num, classes), label = self._view, bottom[1].data.reshape(-1)
        self.check_labels(label, classes)
        parallel_for(hinge_forward, num, bottom[0].data.reshape(self._view), label, self._squared, self._losses,
                     grain=self._grain)
        top[0].data[...] = self._losses.sum() / max(1, num)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self.refuse_labels(propagate_down)
        if propagate_down[0]:
            num = self._view[0]
            x, dx = bottom[0].data.reshape(self._view), bottom[0].diff.reshape(self._view)
            parallel_for(hinge_backward, num, x, bottom[1].data.reshape(-1), self._squared,
                         self.context.dtype(float(top[0].diff) / max(1, num)), dx, grain=self._grain)
