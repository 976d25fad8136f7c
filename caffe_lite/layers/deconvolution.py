"""Deconvolution: a convolution run backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.bias import add_bias, bias_gradient
from caffe_lite.layers.convolution import ConvolutionLayer
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Deconvolution")
class DeconvolutionLayer(ConvolutionLayer):
    """``y[n, o, p * stride - pad + k * dilation] += w[c, o, k] x[n, c, p]`` for all c, k and p, plus ``b[o]``: what the
    gradient of a convolution is to its input.

    Bottoms and tops as those of ``Convolution``, with
    ``out = stride (size - 1) + dilation (kernel - 1) + 1 - 2 pad``. Blobs: ``w`` of shape
    ``(channels, num_output / group, kernel...)`` and, with ``bias_term``, ``b`` of shape ``(num_output,)``.

    Source: Caffe's deconv_layer.cpp.

    Raises:
        ParameterError: as Convolution.
        ShapeError: as Convolution, or nothing is left within the padding.
    """

    def read(self, axes: int) -> Geometry:
        geometry = super().read(axes)
        return replace(geometry, channels=geometry.outputs, outputs=geometry.channels)

    def place(self, num: int, size: Sequence[int]) -> tuple[Geometry, Sequence[int]]:
        base = self._base
        out = [s * (n - 1) + e - 2 * p for n, s, e, p in zip(size, base.stride, base.extent, base.pad, strict=True)]
        if any(n < 1 for n in out):
            self.fail(ShapeError, f"with pad {list(base.pad)} nothing is left of the output, whose size would be "
                      f"{out}; make pad smaller")
        return base.over(num, out, self.fail), out

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        g, w = self._geometry, self.blobs[0].data.reshape(-1)
        for x, y in zip(bottom, top, strict=True):
            self._engine.backward_data(x.data.reshape(-1), w, y.data.reshape(-1))
            if len(self.blobs) > 1:
                parallel_for(add_bias, g.num * g.channels, y.data.reshape(-1), self.blobs[1].data, g.plane)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        g, w = self._geometry, self.blobs[0]
        for x, y, wanted in zip(bottom, top, propagate_down, strict=True):
            dy = y.diff.reshape(-1)
            if len(self.blobs) > 1 and self.param_propagate_down[1]:
                parallel_for(bias_gradient, g.channels, dy, g.num, g.plane, self.blobs[1].diff)
            if self.param_propagate_down[0]:
                self._engine.backward_weight(dy, x.data.reshape(-1), w.diff.reshape(-1), None)
            if wanted:
                self._engine.forward(dy, w.data.reshape(-1), None, x.diff.reshape(-1))
