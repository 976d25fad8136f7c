"""SoftmaxWithLoss: the multinomial logistic loss of a softmax."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.kernels.softmax import softmax_forward, softmax_loss_backward, softmax_loss_forward
from caffe_lite.layers.loss import NOTHING_IGNORED, LossLayer, normalization, normalizer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

log = logging.getLogger(__name__)


@register("SoftmaxWithLoss")
class SoftmaxWithLossLayer(LossLayer):
    """``loss = -Σ log p[label] / normalizer`` with ``p = softmax(bottom[0])`` along ``softmax_param.axis``.

    Bottoms: scores of shape ``(outer..., channels, inner...)`` and one label for each prediction. A second
    top, where there is one, gets ``p``. Probabilities are clamped at the smallest normal float, so that a
    single loss is at most 87.3365.

    The first top is a scalar.

    Source: Caffe's softmax_loss_layer.cpp.

    Raises:
        ShapeError: there is not one label for each prediction.
        DataError: in ``forward``, when a label is none of the classes.
        ParameterError: the labels are to have a gradient.
    """

    tops = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        log.info("Creating layer %s", self.name)  # Caffe makes a Softmax layer inside, and says so
        loss = self.param.loss_param
        self._ignore = loss.ignore_label if loss.HasField("ignore_label") else NOTHING_IGNORED
        self._mode = normalization(loss)
        self._prob = Blob((), self.context.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        axis = self.axis(self.param.softmax_param.axis, len(shape))
        self._view = (prod(shape[:axis]), shape[axis], prod(shape[axis + 1:]))
        outer, _, inner = self._view
        self.check_label_count(bottom, outer, inner)
        self._prob.reshape(shape)
        self._count = -1
        if len(top) > 1:
            top[1].reshape(shape)
            top[1].share_data(self._prob)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        view = self._view
        prob, label = self._prob.data.reshape(view), bottom[1].data.reshape(view[0], view[2])
        parallel_for(softmax_forward, view[0], bottom[0].data.reshape(view), prob, grain=64)
        self.check_labels(label, view[1], self._ignore)
        smallest = self.context.dtype(np.finfo(np.float32).tiny)
        total, self._count = softmax_loss_forward(prob, label, self._ignore, smallest)
        top[0].data[...] = total / normalizer(self._mode, view[0], view[2], self._count)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self.refuse_labels(propagate_down)
        if not propagate_down[0]:
            return
        view = self._view
        label = bottom[1].data.reshape(view[0], view[2])
        weight = float(top[0].diff) / normalizer(self._mode, view[0], view[2], self._count)
        prob, dx = self._prob.data.reshape(view), bottom[0].diff.reshape(view)
        number = self.context.dtype(weight)
        parallel_for(softmax_loss_backward, view[0], prob, label, self._ignore, number, dx, grain=64)
