"""LSTMUnit: one step of the units of an LSTM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.recurrent import lstm_unit_backward, lstm_unit_forward
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register


@register("LSTMUnit")
class LSTMUnitLayer(Layer):
    """``c = cont f c_prev + i g`` and ``h = o tanh(c)`` with ``i, f, o = sigmoid(x)`` and ``g = tanh(x)``.

    Bottoms: c_prev ``(1, streams, units)``; x ``(1, streams, 4 units)``, what makes i, f, o and g after each other;
    and cont ``(1, streams)``, which has no gradient. Tops: c and h, ``(1, streams, units)``.

    Source: Caffe's lstm_unit_layer.cpp.

    Raises:
        ShapeError: the bottoms have other shapes than these.
        ParameterError: cont is to have a gradient.
    """

    bottoms = (3, 3)
    tops = (2, 2)

    def allow_force_backward(self, index: int) -> bool:
        return index != 2

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        c, x, cont = (blob.shape for blob in bottom)
        if len(c) != 3 or c[0] != 1 or x != (1, c[1], 4 * c[2]) or cont != (1, c[1]):
            self.fail(ShapeError, "the bottoms must be of the shapes (1, streams, units), (1, streams, 4 units) and "
                      f"(1, streams); {', '.join(self.param.bottom)} have {c}, {x} and {cont}")
        self._gates = np.empty(x[1:], self.context.dtype)
        for blob in top:
            blob.reshape(c)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        c_prev, x, cont, c, h = (blob.data[0] for blob in (*bottom, *top))
        lstm_unit_forward(0, len(c), c_prev, x, cont, self._gates, c, h)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[2]:
            self.fail(ParameterError, f"cannot backpropagate to the sequence indicators {self.param.bottom[2]!r}; set "
                      "its propagate_down to false, or feed them from a layer without parameters")
        if propagate_down[0] or propagate_down[1]:
            c_prev, c = bottom[0].data[0], top[0].data[0]
            dc, dh, dc_prev, dx = (blob.diff[0] for blob in (*top, *bottom[:2]))
            lstm_unit_backward(0, len(c), c_prev, self._gates, c, dc, dh, dx, dc_prev)
