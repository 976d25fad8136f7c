"""What the layers that end in a loss have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import DataError, ParameterError, ShapeError
from caffe_lite.kernels.softmax import first_bad_label
from caffe_lite.layers.base import Layer
from caffe_lite.schema import LossParameter

NOTHING_IGNORED = -(1 << 40)  # no float label converts to it


class LossLayer(Layer):
    """Predictions and labels in, a scalar out; the top's loss weight is 1 unless the prototxt says otherwise.

    Source: Caffe's loss_layer.cpp.
    """

    bottoms = (2, 2)
    auto_top = True
    loss = True

    def allow_force_backward(self, index: int) -> bool:
        return index != 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        first, second = bottom[0].shape, bottom[1].shape
        if first[:1] != second[:1]:
            self.fail(ShapeError, f"the data {self.param.bottom[0]!r} of shape {first} and the label "
                      f"{self.param.bottom[1]!r} of shape {second} must agree in their first dimension")
        top[0].reshape(())

    def refuse_labels(self, propagate_down: Sequence[bool], index: int = 1) -> None:
        """Raise when a gradient with respect to the labels is wanted."""
        if propagate_down[index]:
            self.fail(ParameterError, f"cannot backpropagate to the labels {self.param.bottom[index]!r}; set its "
                      "propagate_down to false, or feed labels from a layer without parameters")

    def check_label_count(self, bottom: Sequence[Blob], outer: int, inner: int = 1) -> None:
        """Raise ``ShapeError`` unless there are ``outer * inner`` labels."""
        if bottom[1].count != outer * inner:
            self.fail(ShapeError, f"one label is needed for each of the {outer} x {inner} predictions of "
                      f"{self.param.bottom[0]!r} of shape {bottom[0].shape}, but {self.param.bottom[1]!r} of shape "
                      f"{bottom[1].shape} has {bottom[1].count}")

    def rows_of_scores(self, bottom: Sequence[Blob]) -> tuple[int, int]:
        """``(N, classes)`` of a first bottom with N rows of scores, one for each label."""
        num = bottom[0].shape[0]
        self.check_label_count(bottom, num)
        return num, bottom[0].count // max(1, num)

    def check_labels(self, label: Array, classes: int, ignore: int = NOTHING_IGNORED) -> None:
        """Raise ``DataError`` when a label that is not ``ignore`` is not one of 0 to ``classes - 1``."""
        bad = first_bad_label(label, classes, ignore)
        if bad >= 0:
            self.fail(DataError, f"label {label.reshape(-1)[bad]:g} at position {bad} of {self.param.bottom[1]!r} "
                      f"is not one of the {classes} classes 0 to {classes - 1}; does num_output fit the data?")


def normalization(param: Any) -> int:
    """The mode of a ``LossParameter``: ``normalization``, or what the old flag ``normalize`` means."""
    if not param.HasField("normalization") and param.HasField("normalize"):
        return int(LossParameter.VALID if param.normalize else LossParameter.BATCH_SIZE)
    return int(param.normalization)


def normalizer(mode: int, outer: int, inner: int, valid: int) -> float:
    """What a summed loss is divided by: FULL all predictions, VALID those not ignored, BATCH_SIZE the outer
    size, NONE 1; never less than 1, so that a batch of ignored labels gives 0 and not NaN."""
    divisors = {
        LossParameter.FULL: outer * inner,
        LossParameter.VALID: valid,
        LossParameter.BATCH_SIZE: outer,
        LossParameter.NONE: 1,
    }
    return max(1.0, float(divisors[mode]))
