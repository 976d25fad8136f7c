"""A loss inside of a loss."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.schema import LayerParameter, LossParameter


class Part:
    """A loss layer on blobs of its own, which are shaped anew for each batch; its loss is a plain sum.

    Attributes:
        prediction, target: to be filled in after ``reshape``.
        value: the loss, 0 where there is nothing to compare.
    """

    def __init__(self, owner: Layer, kind: str, name: str, weight: float) -> None:
        param = LayerParameter(name=f"{owner.name}_{name}", type=kind, bottom=["prediction", "target"], top=["loss"])
        param.loss_param.normalization = LossParameter.NONE
        self._layer = layer_class(kind, owner.name)(param, owner.context)
        self.prediction, self.target, self._loss = (Blob((1, 1), owner.context.dtype) for _ in range(3))
        self._weight = weight
        self._layer.setup([self.prediction, self.target], [self._loss])
        self.value = 0.0

    def reshape(self, shape: Sequence[int], target_shape: Sequence[int]) -> None:
        self.prediction.reshape(shape)
        self.target.reshape(target_shape)
        if self.prediction.count:
            self._layer.reshape([self.prediction, self.target], [self._loss])

    def forward(self) -> None:
        self.value = 0.0
        if self.prediction.count:
            self._layer.forward([self.prediction, self.target], [self._loss])
            self.value = self._weight * float(self._loss.data)

    def backward(self, factor: float) -> None:
        """Write ``factor`` times the derivative of ``value`` into ``prediction.diff``."""
        if self.prediction.count:
            self._loss.diff[...] = factor * self._weight
            self._layer.backward([self._loss], [True, False], [self.prediction, self.target])
