"""SigmoidCrossEntropyLoss: many yes-or-no questions at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.losses import sigmoid_cross_entropy_backward, sigmoid_cross_entropy_forward
from caffe_lite.layers.loss import NOTHING_IGNORED, LossLayer, normalization, normalizer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import LossParameter

GRAIN = 1 << 12  # elements worth a thread


@register("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLossLayer(LossLayer):
    """``loss = -Σ t log p + (1 - t) log(1 - p) / normalizer`` with ``p = sigmoid(bottom[0])`` and the targets
    ``t = bottom[1]``, from 0 to 1.

    The normalizer is the batch size unless ``loss_param`` says otherwise.

    The bottoms have as many values; the top is a scalar.

    Source: Caffe's sigmoid_cross_entropy_loss_layer.cpp.

    Raises:
        ShapeError: they have not.
        ParameterError: the targets are to have a gradient.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        loss = self.param.loss_param
        self._ignore = loss.ignore_label if loss.HasField("ignore_label") else NOTHING_IGNORED
        given = loss.HasField("normalization") or loss.HasField("normalize")
        self._mode = normalization(loss) if given else int(LossParameter.BATCH_SIZE)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        names, (x, target) = self.param.bottom, (blob.shape for blob in bottom)
        if bottom[0].count != bottom[1].count:
            self.fail(ShapeError, f"{names[0]!r} of shape {x} and the targets {names[1]!r} of shape {target} must have "
                      "the same number of values")
        self._view = (x[0], bottom[0].count // max(1, x[0]))
        self._losses, self._counted = np.empty(x[0], self.context.dtype), np.empty(x[0], np.int64)
        self._grain = max(1, GRAIN // max(1, self._view[1]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, target = (blob.data.reshape(self._view) for blob in bottom)
        parallel_for(sigmoid_cross_entropy_forward, len(x), x, target, self._ignore, self._losses, self._counted,
                     grain=self._grain)
        self._divisor = normalizer(self._mode, *self._view, int(self._counted.sum()))
        top[0].data[...] = self._losses.sum() / self._divisor

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self.refuse_labels(propagate_down)
        if propagate_down[0]:
            x, target = (blob.data.reshape(self._view) for blob in bottom)
            factor = self.context.dtype(float(top[0].diff) / self._divisor)
            parallel_for(sigmoid_cross_entropy_backward, len(x), x, target, self._ignore, factor,
                         bottom[0].diff.reshape(self._view), grain=self._grain)
