"""Bias: one number added along some axes."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.kernels.arrays import clear, copy_range
from caffe_lite.kernels.scale import add_to_rows, offset_gradient
from caffe_lite.layers.broadcast import BroadcastLayer
from caffe_lite.layers.grain import ELEMENTS, grain
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Bias")
class BiasLayer(BroadcastLayer):
    """``y[n, c, i] = x[n, c, i] + b[c]``; c counts the axes that b covers. May work in place.

    ``b`` is the second bottom or a learned blob; which axes it covers: see ``BroadcastLayer``.

    The top has the first bottom's shape.

    Source: Caffe's bias_layer.cpp.

    Raises:
        ParameterError: the axes are none of the first bottom's.
        ShapeError: b does not fit the first bottom.
    """

    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(bottom) == 1:
            param = self.param.bias_param
            self.add_blob(self.covered(bottom, param), param.filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.measure(bottom, self.param.bias_param.axis)
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, b = bottom[0].data.reshape(self.rows, self.inner), self.operand(bottom).data.reshape(-1)
        y = x if top[0] is bottom[0] else top[0].data.reshape(self.rows, self.inner)
        parallel_for(add_to_rows, self.rows, x, b, y, grain=grain(self.inner))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        dy, learned = top[0].diff.reshape(-1), len(bottom) == 1
        if propagate_down[0] and top[0] is not bottom[0]:
            parallel_for(copy_range, dy.size, dy, bottom[0].diff.reshape(-1), grain=ELEMENTS)
        if self.param_propagate_down[0] if learned else propagate_down[1]:
            db = self.operand(bottom).diff.reshape(-1)
            if not learned:
                parallel_for(clear, db.size, db, grain=ELEMENTS)
            parallel_for(offset_gradient, db.size, dy.reshape(self.outer, db.size, self.inner), db,
                         grain=grain(self.outer * self.inner))
