"""Scale: a factor along some axes, and a bias if wanted."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.arrays import copy_blocks
from caffe_lite.kernels.scale import offset_gradient, scale_and_add_to_rows, scale_gradient, scale_rows
from caffe_lite.layers.broadcast import BroadcastLayer
from caffe_lite.layers.grain import grain
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import FillerParameter

log = logging.getLogger(__name__)


@register("Scale")
class ScaleLayer(BroadcastLayer):
    """``y[n, c, i] = x[n, c, i] s[c] + b[c]``; c counts the axes that s and b cover. May work in place.

    ``s`` is the second bottom or a learned blob, 1 without a filler; ``b`` is there with ``bias_term`` only, always
    learned, after s. Which axes they cover: see ``BroadcastLayer``.

    Source: Caffe's scale_layer.cpp.
    """

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

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, s, y = bottom[0].data.reshape(-1), self.operand(bottom).data.reshape(-1), top[0].data.reshape(-1)
        if top[0] is bottom[0]:
            parallel_for(copy_blocks, self.rows, x, 0, self.inner, self._kept, 0, self.inner, self.inner,
                         grain=grain(self.inner))
        if self.param.scale_param.bias_term:
            b = self.blobs[-1].data.reshape(-1)
            parallel_for(scale_and_add_to_rows, self.rows, x, s, b, self.inner, y, grain=grain(self.inner))
        else:
            parallel_for(scale_rows, self.rows, x, s, self.inner, y, grain=grain(self.inner))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        x = self._kept if top[0] is bottom[0] else bottom[0].data.reshape(-1)
        dy, operand, learned = top[0].diff.reshape(-1), self.operand(bottom), len(bottom) == 1
        rows = grain(self.outer * self.inner)
        if self.param.scale_param.bias_term and self.param_propagate_down[-1]:
            db = self.blobs[-1].diff.reshape(-1)
            parallel_for(offset_gradient, db.size, dy, self.outer, self.inner, db, grain=rows)
        if self.param_propagate_down[0] if learned else propagate_down[1]:
            ds = operand.diff.reshape(-1)
            if not learned:
                ds.fill(0)
            parallel_for(scale_gradient, ds.size, dy, x, self.outer, self.inner, ds, grain=rows)
        if propagate_down[0]:  # last: in place it overwrites the top's gradient
            parallel_for(scale_rows, self.rows, dy, operand.data.reshape(-1), self.inner, bottom[0].diff.reshape(-1),
                         grain=grain(self.inner))
