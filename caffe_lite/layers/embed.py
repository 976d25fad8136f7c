"""Embed: a row of a table for each index."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import DataError, ParameterError
from caffe_lite.kernels.rows import first_outside, gather_rows, scatter_add_rows
from caffe_lite.kernels.scale import add_to_rows, offset_gradient
from caffe_lite.layers.base import Layer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Embed")
class EmbedLayer(Layer):
    """``y[m, o] = w[x[m], o] + b[o]``: the product of a one-hot vector and a matrix.

    The bottom holds indices from 0 to ``input_dim - 1``, in any shape; the top has one axis more, of ``num_output``.
    Blobs: ``w`` of shape ``(input_dim, num_output)`` and, with ``bias_term``, ``b``.

    Source: Caffe's embed_layer.cpp.

    Raises:
        ParameterError: ``num_output`` or ``input_dim`` is missing, or the indices are to have a gradient.
        DataError: in ``forward``, when an index is beyond the table.
        GraphError: it would work in place.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.embed_param
        for field in ("num_output", "input_dim"):
            if getattr(param, field) < 1:
                self.fail(ParameterError, f"{field} must be 1 or more; set embed_param {{ {field}: ... }}")
        refuse_in_place(self, bottom, top)
        self._rows, self._n = param.input_dim, param.num_output
        self.add_blob((self._rows, self._n), param.weight_filler)
        if param.bias_term:
            self.add_blob((self._n,), param.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape((*bottom[0].shape, self._n))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        index, y = bottom[0].data.reshape(-1), top[0].data.reshape(-1)
        bad = first_outside(index, self._rows)
        if bad >= 0:
            self.fail(DataError, f"index {index[bad]:g} at position {bad} of {self.param.bottom[0]!r} is not one of 0 "
                      f"to {self._rows - 1}; does input_dim fit the data?")
        parallel_for(gather_rows, index.size, index, self.blobs[0].data.reshape(-1), self._n, y, grain=grain(self._n))
        if len(self.blobs) > 1:
            rows = y.reshape(-1, 1)
            parallel_for(add_to_rows, y.size, rows, self.blobs[1].data, rows, grain=grain(1))

    def allow_force_backward(self, index: int) -> bool:
        return False

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            self.fail(ParameterError, f"cannot backpropagate to the indices {self.param.bottom[0]!r}; set "
                      "its propagate_down to false")
        index, dy, columns = bottom[0].data.reshape(-1), top[0].diff.reshape(-1), grain(bottom[0].count)
        if self.param_propagate_down[0]:
            dw = self.blobs[0].diff.reshape(-1)
            parallel_for(scatter_add_rows, self._n, index, index.size, dy, self._n, dw, grain=columns)
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            parallel_for(offset_gradient, self._n, dy.reshape(-1, self._n, 1), self.blobs[1].diff, grain=columns)
