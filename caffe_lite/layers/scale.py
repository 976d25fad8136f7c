"""Scale: a factor along some axes, and a bias if wanted."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.arrays import clear
from caffe_lite.kernels.scale import scale_backward, scale_rows
from caffe_lite.layers.broadcast import BroadcastLayer
from caffe_lite.layers.grain import ELEMENTS, grain
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import FillerParameter

log = logging.getLogger(__name__)


@register("Scale")
class ScaleLayer(BroadcastLayer):
    """``y[n, c, i] = x[n, c, i] s[c] + b[c]``; c counts the axes that s and b cover. May work in place.

    ``s`` is the second bottom or a learned blob, 1 without a filler; ``b`` is there with ``bias_term`` only, always
    learned, after s. Which axes they cover: see ``BroadcastLayer``.

    The top has the first bottom's shape.

    Source: Caffe's scale_layer.cpp.

    Raises:
        ParameterError: the axes are none of the first bottom's.
        ShapeError: s or b does not fit the first bottom.
    """

    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.scale_param
        if len(bottom) == 1:
            filler = param.filler if param.HasField("filler") else FillerParameter(value=1)
            self.add_blob(self.covered(bottom, param), filler)
        if param.bias_term:
            log.info("Creating layer %s", self.name)  # Caffe makes a Bias layer inside, and says so
            self.add_blob(self.covered(bottom, param), param.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.measure(bottom, self.param.scale_param.axis)
        shape = self.operand(bottom).shape
        if self.blobs and self.blobs[-1].shape != shape:
            self.fail(ShapeError, f"the bias was made of shape {self.blobs[-1].shape}, bottom {self.param.bottom[1]!r} "
                      f"now has the shape {shape}")
        in_place = top[0] is bottom[0]
        if not in_place:
            top[0].reshape(bottom[0].shape)
        self._kept = np.empty(bottom[0].count if in_place else 0, self.context.dtype)
        self._none = np.empty(0, self.context.dtype)
        self._sums = np.empty((2, self.operand(bottom).count), np.float64)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        rows, s = (self.rows, self.inner), self.operand(bottom).data.reshape(-1)
        b = self.blobs[-1].data.reshape(-1) if self.param.scale_param.bias_term else self._none
        x = bottom[0].data.reshape(rows)
        kept, y = (self._kept.reshape(rows), x) if top[0] is bottom[0] else (x, top[0].data.reshape(rows))
        parallel_for(scale_rows, self.rows, x, s, b, kept, y, grain=grain(self.inner))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        operand, learned, in_place = self.operand(bottom), len(bottom) == 1, top[0] is bottom[0]
        view = (self.outer, operand.count, self.inner)
        x, dy = (self._kept if in_place else bottom[0].data).reshape(view), top[0].diff.reshape(view)
        ds, db = self._none, self._none
        if self.param_propagate_down[0] if learned else propagate_down[1]:
            ds = operand.diff.reshape(-1)
            if not learned:
                parallel_for(clear, ds.size, ds, grain=ELEMENTS)
        if self.param.scale_param.bias_term and self.param_propagate_down[-1]:
            db = self.blobs[-1].diff.reshape(-1)
        dx: Array = self._none.reshape(0, 0, 0)
        if propagate_down[0]:
            dx = dy if in_place else bottom[0].diff.reshape(view)
        parallel_for(scale_backward, operand.count, x, dy, operand.data.reshape(-1), ds, db, dx, self._sums,
                     grain=grain(self.outer * self.inner))
