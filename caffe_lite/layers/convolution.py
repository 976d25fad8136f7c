"""Convolution: the same small filter at every place of an image."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.bias import bias_gradient
from caffe_lite.kernels.relu import relu_bias_backward
from caffe_lite.kernels.scale import scale_rows
from caffe_lite.layers.base import Layer
from caffe_lite.layers.convolution_blocks import ScalingConvolution
from caffe_lite.layers.convolution_channels import ChannelConvolution
from caffe_lite.layers.convolution_depthwise import DepthwiseConvolution
from caffe_lite.layers.convolution_direct import DirectConvolution
from caffe_lite.layers.convolution_engine import Engine
from caffe_lite.layers.convolution_geometry import Geometry, read_geometry
from caffe_lite.layers.convolution_im2col import Im2colConvolution
from caffe_lite.layers.convolution_pixels import PixelConvolution
from caffe_lite.layers.convolution_winograd import WinogradConvolution
from caffe_lite.layers.convolution_winograd_images import ImageWinogradConvolution
from caffe_lite.layers.registry import register
from caffe_lite.parallel import Workspace, parallel_for


@register("Convolution")
class ConvolutionLayer(Layer):
    """``y[n, o, p] = b[o] + Σ_c Σ_k w[o, c, k] x[n, c, p * stride - pad + k * dilation]``, outside of x taken as 0.

    Bottoms ``(n..., channels, size...)`` with the channels at ``axis`` and any number of spatial axes after it;
    all bottoms have one shape, share the filters, and have a top each ``(n..., num_output, out...)`` with
    ``out = floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1``. With ``group`` g, the filters of
    the i-th g-th of the outputs see the i-th g-th of the channels. Blobs: ``w`` of shape
    ``(num_output, channels / group, kernel...)`` and, with ``bias_term``, ``b`` of shape ``(num_output,)``.

    Source: Caffe's base_conv_layer.cpp and conv_layer.cpp.

    Raises:
        ParameterError: there is no kernel size, no ``num_output``, or ``group`` does not divide the channels.
        ShapeError: the kernel does not fit into the bottom, the bottoms have several shapes, or other channels than
            the filters.
    """

    bottoms = (1, None)
    tops = (1, None)
    same_count = True
    replayable = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.convolution_param, bottom[0].shape
        self.channel_axis = self.axis(param.axis, len(shape))
        self.axes = len(shape)
        self._channels, self._outputs = shape[self.channel_axis], param.num_output
        self._base = self.read(len(shape) - self.channel_axis - 1)
        self.add_blob(self._base.weight_shape, param.weight_filler)
        if param.bias_term:
            self.add_blob((self._outputs,), param.bias_filler)

    def read(self, axes: int) -> Geometry:
        """The convolution that the parameters mean for so many spatial axes."""
        return read_geometry(self.param.convolution_param, self._channels, axes, self.fail)

    def place(self, num: int, size: Sequence[int]) -> tuple[Geometry, Sequence[int]]:
        """That convolution for ``num`` bottoms of this size, and the size of the tops."""
        geometry = self._base.over(num, size, self.fail)
        return geometry, geometry.out

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, names, a = bottom[0].shape, self.param.bottom, self.channel_axis
        if len(shape) != self.axes or shape[a] != self._channels:
            self.fail(ShapeError, f"the filters are for {self._channels} channels at axis {a} of {self.axes}, "
                      f"bottom {names[0]!r} is now of shape {shape}")
        for name, other in zip(names, bottom, strict=True):
            if other.shape != shape:
                self.fail(ShapeError, f"all bottoms must have one shape: {names[0]!r} has {shape}, {name!r} "
                          f"{other.shape}")
        self._geometry, out = self.place(prod(shape[:a]), shape[a + 1:])
        for blob in top:
            blob.reshape((*shape[:a], self._outputs, *out))
        self._nothing = np.empty(0, self.context.dtype)
        self._scaled: Array | None = None
        if not self.context.dry:
            self._engine = choose_engine(self._geometry, self.context.dtype, self.context.workspace)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.forward_rectified(bottom, top, 1)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self.backward_rectified(top, propagate_down, bottom, 1)

    def forward_rectified(self, bottom: Sequence[Blob], top: Sequence[Blob], slope: float) -> None:
        """``forward`` of this layer and of a ReLU with this negative slope, in place on the tops; 1 is for none."""
        w, bias = self.blobs[0].values.reshape(-1), self.blobs[1].values if len(self.blobs) > 1 else None
        for x, y in zip(bottom, top, strict=True):
            self._engine.forward(x.data.reshape(-1), w, bias, y.data.reshape(-1), slope)

    def forward_scaled(self, bottom: Sequence[Blob], top: Sequence[Blob], factor: Array, term: Array,
                       slope: float) -> None:
        """``relu(factor (w * x) + term)``, each for a channel of the top; the layer's own bias is left out."""
        w, x, y = self.blobs[0].values, bottom[0].data.reshape(-1), top[0].data.reshape(-1)
        if isinstance(self._engine, ScalingConvolution):
            self._engine.forward(x, w.reshape(-1), term, y, slope, factor)
            return
        if self._scaled is None:
            self._scaled = np.empty(w.size, w.dtype)
        rows = w.reshape(len(factor), -1)
        parallel_for(scale_rows, len(factor), rows, factor, self._nothing, rows, self._scaled.reshape(rows.shape))
        self._engine.forward(x, self._scaled, term, y, slope)

    def backward_rectified(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob],
                           slope: float) -> None:
        """``backward`` of both."""
        g, w = self._geometry, self.blobs[0]
        for x, y, wanted in zip(bottom, top, propagate_down, strict=True):
            dy = y.diff.reshape(-1)
            dbias = self.blobs[1].diff if len(self.blobs) > 1 and self.param_propagate_down[1] else None
            if slope != 1:
                parallel_for(relu_bias_backward, g.outputs, y.data.reshape(-1), dy, dy.dtype.type(slope), g.num,
                             g.outputs, g.pixels, self._nothing if dbias is None else dbias)
                dbias = None
            dw = w.diff.reshape(-1) if self.param_propagate_down[0] else None
            if dw is None and dbias is not None:
                parallel_for(bias_gradient, g.outputs, dy, g.num, g.pixels, dbias)
            self._engine.backward(x.data.reshape(-1), dy, w.values.reshape(-1), dw, dbias,
                                  x.diff.reshape(-1) if wanted else None)


def choose_engine(geometry: Geometry, dtype: Any, workspace: Workspace) -> Engine:
    """The fastest code that can do this convolution."""
    if DepthwiseConvolution.suits(geometry):
        return DepthwiseConvolution(geometry, dtype)
    kinds: tuple[type[DirectConvolution | ImageWinogradConvolution | WinogradConvolution | ChannelConvolution
                      | Im2colConvolution], ...] = (
        DirectConvolution, ImageWinogradConvolution, WinogradConvolution, ChannelConvolution, Im2colConvolution)
    best = max(kinds, key=lambda kind: kind.rate(geometry, dtype))
    engine = best(geometry, dtype, workspace)
    if PixelConvolution.rate(geometry, dtype) > best.rate(geometry, dtype):
        return PixelConvolution(geometry, dtype, workspace, engine)
    return engine
