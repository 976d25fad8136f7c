"""InfogainLoss: a multinomial logistic loss whose mistakes are not all as bad."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.files import locate
from caffe_lite.kernels.losses import infogain_backward, infogain_forward
from caffe_lite.kernels.softmax import softmax_forward
from caffe_lite.layers.loss import NOTHING_IGNORED, LossLayer, normalizer
from caffe_lite.layers.multinomial_logistic_loss import LEAST
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import BlobProto, blob_to_array, read_binary

log = logging.getLogger(__name__)
GRAIN = 1 << 12  # elements worth a thread


@register("InfogainLoss")
class InfogainLossLayer(LossLayer):
    """``loss = -Σ Σ_c H[label, c] log max(p[c], 1e-20) / normalizer`` with ``p = softmax(bottom[0])`` along ``axis``.

    Bottoms: scores of shape ``(outer..., classes, inner...)``, one label for each prediction, and the matrix H,
    classes times classes, unless ``source`` names a file with it (a binary BlobProto). A second top gets p.

    The first top is a scalar.

    Source: Caffe's infogain_loss_layer.cpp.

    Raises:
        ParameterError: there is no matrix, ``normalize`` is given, or labels or matrix are to have a gradient.
        ShapeError: the matrix or the labels do not fit the scores.
        DataError: in ``forward``, when a label is none of the classes; or the matrix's file cannot be read.
    """

    bottoms = (2, 3)
    tops = (1, 2)

    def allow_force_backward(self, index: int) -> bool:
        return index == 0

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        log.info("Creating layer %s", self.name)  # Caffe makes a Softmax layer inside, and says so
        loss, source = self.param.loss_param, self.param.infogain_loss_param.source
        if loss.HasField("normalize"):
            self.fail(ParameterError, "loss_param has normalize, which this layer never knew; give normalization")
        self._ignore = loss.ignore_label if loss.HasField("ignore_label") else NOTHING_IGNORED
        self._prob = Blob((), self.context.dtype)
        self._matrix: Array | None = None
        if len(bottom) < 3:
            if not source:
                self.fail(ParameterError, "there is no infogain matrix; give it as a third bottom, or a file as "
                          "infogain_loss_param { source: ... }")
            proto = read_binary(locate(source, self.context.named_by), BlobProto)
            self._matrix = blob_to_array(proto).astype(self.context.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        axis = self.axis(self.param.infogain_loss_param.axis, len(shape))
        self._view = outer, classes, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1:])
        self.check_label_count(bottom, outer, inner)
        matrix = bottom[2].shape if self._matrix is None else self._matrix.shape
        if prod(matrix) != classes * classes:
            self.fail(ShapeError, f"the infogain matrix must be {classes} x {classes} for the {classes} classes of "
                      f"{self.param.bottom[0]!r} of shape {shape}, found the shape {matrix}")
        self._sums = np.empty(classes, self.context.dtype)
        self._losses, self._counted = np.empty(outer, self.context.dtype), np.empty(outer, np.int64)
        self._grain = max(1, GRAIN // max(1, classes * inner))
        self._prob.reshape(shape)
        if len(top) > 1:
            top[1].reshape(shape)
            top[1].share_data(self._prob)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        view = outer, classes, inner = self._view
        prob, label = self._prob.data.reshape(view), bottom[1].data.reshape(outer, inner)
        self.check_labels(label, classes, self._ignore)
        parallel_for(softmax_forward, outer, bottom[0].data.reshape(view), prob, grain=self._grain)
        parallel_for(infogain_forward, outer, prob, label, self._gain(bottom), self._ignore, self.context.dtype(LEAST),
                     self._losses, self._counted, grain=self._grain)
        self._divisor = normalizer(self.param.loss_param.normalization, outer, inner, int(self._counted.sum()))
        top[0].data[...] = self._losses.sum() / self._divisor

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        for index in range(1, len(bottom)):
            self.refuse_labels(propagate_down, index)
        if propagate_down[0]:
            view, gain = self._view, self._gain(bottom)
            np.sum(gain, axis=1, out=self._sums)
            prob, label = self._prob.data.reshape(view), bottom[1].data.reshape(view[0], view[2])
            factor = self.context.dtype(float(top[0].diff) / self._divisor)
            parallel_for(infogain_backward, view[0], prob, label, gain, self._sums, self._ignore, factor,
                         bottom[0].diff.reshape(view), grain=self._grain)

    def _gain(self, bottom: Sequence[Blob]) -> Array:
        matrix = bottom[2].data if self._matrix is None else self._matrix
        return matrix.reshape(self._view[1], self._view[1])
