"""LSTM: units that remember."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.kernels.recurrent import lstm_backward, lstm_forward
from caffe_lite.layers.recurrent import RecurrentLayer
from caffe_lite.layers.registry import register


@register("LSTM")
class LSTMLayer(RecurrentLayer):
    """``i, f, o = sigmoid(s)``, ``g = tanh(s)``, ``c[t] = cont f c[t - 1] + i g``, ``h[t] = o tanh(c[t])`` with
    ``s = W_xc x[t] + b_c + W_xc_static x_static + W_hc (cont h[t - 1])``; the top is h, the states are h and c.

    Blobs: ``W_xc`` ``(4 num_output, values)``, ``b_c``, ``W_xc_static`` where there is a static input, and ``W_hc``
    ``(4 num_output, num_output)``, with the rows of i, f, o and g after each other. Bottoms and tops are those of
    every ``RecurrentLayer``.

    Source: Caffe's lstm_layer.cpp; Zaremba, Sutskever, "Learning to execute", 2014.

    Raises:
        GraphError: there are not the bottoms and tops that ``expose_hidden`` takes.
        ParameterError: ``num_output`` is missing, or cont is to have a gradient.
        ShapeError: the bottoms do not fit each other, or the number of steps has changed.
    """

    bottoms = (2, 5)
    tops = (1, 3)
    states = ("h", "c")
    gates = 4

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._cells = np.empty(self._hidden.shape, self.context.dtype)

    def run(self, cont: Any, top: Blob) -> None:
        self.streams(lstm_forward, cont, self._step[0].blobs[0].data, *self._first, self._hidden.data, self._sums.data,
                     self._cells, top.data)
        self._last[0], self._last[1] = top.data[-1], self._cells[-1]

    def run_backward(self, cont: Any, top: Blob) -> None:
        self.streams(lstm_backward, cont, self._step[0].blobs[0].data, self._first[1], self._sums.data, self._cells,
                     top.diff, *self._scratch, self._sums.diff)
