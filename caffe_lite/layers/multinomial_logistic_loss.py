"""MultinomialLogisticLoss: the logarithm of the label's probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.kernels.losses import multinomial_backward, multinomial_forward
from caffe_lite.layers.loss import LossLayer
from caffe_lite.layers.registry import register

LEAST = 1e-20  # a probability: what is below counts as this


@register("MultinomialLogisticLoss")
class MultinomialLogisticLossLayer(LossLayer):
    """``loss = -1/N Σ_n log max(p[n, label[n]], 1e-20)``.

    Bottoms: probabilities, N times the number of classes, and N labels.

    The top is a scalar.

    Source: Caffe's multinomial_logistic_loss_layer.cpp.

    Raises:
        ShapeError: there is not one label for each row of probabilities.
        DataError: in ``forward``, when a label is none of the classes.
        ParameterError: the labels are to have a gradient.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._view = self.rows_of_scores(bottom)
        self._losses = np.empty(self._view[0], self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        (num, classes), label = self._view, bottom[1].data.reshape(-1)
        self.check_labels(label, classes)
        multinomial_forward(0, num, bottom[0].data.reshape(self._view), label, self.context.dtype(LEAST), self._losses)
        top[0].data[...] = self._losses.sum() / max(1, num)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self.refuse_labels(propagate_down)
        if propagate_down[0]:
            num = self._view[0]
            x, dx = bottom[0].data.reshape(self._view), bottom[0].diff.reshape(self._view)
            multinomial_backward(0, num, x, bottom[1].data.reshape(-1), self.context.dtype(LEAST),
                                 self.context.dtype(float(top[0].diff) / max(1, num)), dx)
