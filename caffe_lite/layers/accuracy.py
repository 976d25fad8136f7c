"""Accuracy: how many predictions are right."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import DataError, ParameterError, ShapeError
from caffe_lite.kernels.accuracy import count_correct
from caffe_lite.kernels.softmax import first_bad_label
from caffe_lite.layers.base import Layer
from caffe_lite.layers.loss import NOTHING_IGNORED
from caffe_lite.layers.registry import register


@register("Accuracy")
class AccuracyLayer(Layer):
    """The share of predictions whose label is among the ``top_k`` highest scores; ties count against it.

    Bottoms: scores ``(outer..., channels, inner...)`` along ``axis``, and labels. A second top gets the share
    for each class. It has no gradient.

    The first top is a scalar, the second ``(channels,)``.

    Source: Caffe's accuracy_layer.cpp.

    Raises:
        ShapeError: there is not one label for each prediction.
        ParameterError: ``top_k`` is more than there are classes, or a gradient is wanted.
        DataError: in ``forward``, when a label is none of the classes.
    """

    bottoms = (2, 2)
    tops = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.accuracy_param
        self._ignore = param.ignore_label if param.HasField("ignore_label") else NOTHING_IGNORED

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, labels = bottom[0].shape, bottom[1]
        axis = self.axis(self.param.accuracy_param.axis, len(shape))
        self._view = outer, channels, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1:])
        if outer * inner != labels.count:
            self.fail(ShapeError, f"one label is needed for each of the {outer} x {inner} predictions of "
                      f"{self.param.bottom[0]!r} of shape {shape} along axis {axis}, but {self.param.bottom[1]!r} "
                      f"of shape {labels.shape} has {labels.count}")
        if self.param.accuracy_param.top_k > channels:
            self.fail(ParameterError, f"top_k {self.param.accuracy_param.top_k} is more than the {channels} classes; "
                      f"give {channels} or less")
        self._correct, self._counted = np.zeros((2, channels), np.int64)
        top[0].reshape(())
        if len(top) > 1:
            top[1].reshape((channels,))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        view = self._view
        label = bottom[1].data.reshape(view[0], view[2])
        bad = first_bad_label(label, view[1], self._ignore)
        if bad >= 0:
            self.fail(DataError, f"label {label.reshape(-1)[bad]:g} at position {bad} of {self.param.bottom[1]!r} "
                      f"is not one of the {view[1]} classes 0 to {view[1] - 1}; does num_output fit the data?")
        count_correct(bottom[0].data.reshape(view), label, self.param.accuracy_param.top_k, self._ignore,
                      self._correct, self._counted)
        top[0].data[...] = self._correct.sum() / max(1, self._counted.sum())
        if len(top) > 1:
            top[1].data[...] = self._correct / np.maximum(1, self._counted)

    def allow_force_backward(self, index: int) -> bool:
        return False

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if any(propagate_down):
            self.fail(ParameterError, "has no gradient: it cannot be a loss; leave its loss_weight out")
