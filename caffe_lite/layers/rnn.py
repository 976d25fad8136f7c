"""RNN: the plain recurrent net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.kernels.activations import tanh_backward, tanh_forward
from caffe_lite.kernels.recurrent import rnn_backward, rnn_forward
from caffe_lite.layers.inner_product import InnerProductLayer
from caffe_lite.layers.recurrent import RecurrentLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

TANH_GRAIN = 1 << 13  # elements worth a thread


@register("RNN")
class RNNLayer(RecurrentLayer):
    """``h[t] = tanh(W_xh x[t] + b_h + W_xh_static x_static + W_hh (cont h[t - 1]))``, and the top
    ``o[t] = tanh(W_ho h[t] + b_o)``; the state is h.

    Blobs: ``W_xh`` ``(num_output, values)``, ``b_h``, ``W_xh_static`` where there is a static input, ``W_hh`` and
    ``W_ho`` ``(num_output, num_output)``, and ``b_o``. Bottoms and tops are those of every ``RecurrentLayer``.

    Source: Caffe's rnn_layer.cpp.

    Raises:
        GraphError: there are not the bottoms and tops that ``expose_hidden`` takes.
        ParameterError: ``num_output`` is missing, or cont is to have a gradient.
        ShapeError: the bottoms do not fit each other, or the number of steps has changed.
    """

    bottoms = (2, 4)
    tops = (1, 2)
    states = ("h",)
    gates = 1

    def make_step(self) -> list[InnerProductLayer]:
        state = Blob((1, 1, self._units), self.context.dtype)
        return [*super().make_step(), self.inner_product("output", state, self._units, axis=2)]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._h, self._out = (Blob(self._hidden.shape, self.context.dtype) for _ in range(2))
        self._step[1].reshape([self._h], [self._out])

    def run(self, cont: Any, top: Blob) -> None:
        self.streams(rnn_forward, cont, self._step[0].blobs[0].data, self._first[0], self._hidden.data, self._sums.data,
                     self._h.data)
        self._last[0] = self._h.data[-1]
        self._step[1].forward([self._h], [self._out])
        out = self._out.data.reshape(-1)
        parallel_for(tanh_forward, out.size, out, out, grain=TANH_GRAIN)
        np.copyto(top.data, self._out.data)  # what follows may work in place

    def run_backward(self, cont: Any, top: Blob) -> None:
        out = self._out.data.reshape(-1)
        tanh_backward(0, out.size, out, out, top.diff.reshape(-1), self._out.diff.reshape(-1))
        self._step[1].backward([self._out], [True], [self._h])
        self.streams(rnn_backward, cont, self._step[0].blobs[0].data, self._h.data, self._h.diff, self._scratch[0],
                     self._sums.diff)
