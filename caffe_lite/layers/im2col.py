"""Im2col: the patches that a convolution sees, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.im2col import col2im_images, im2col_images
from caffe_lite.layers.base import Layer
from caffe_lite.layers.convolution_geometry import read_geometry
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import ConvolutionParameter


@register("Im2col")
class Im2colLayer(Layer):
    """``y[n, (c, k), p] = x[n, c, p * stride - pad + k * dilation]``, outside of x taken as 0; k counts the elements of
    the kernel.

    The bottom is ``(n..., channels, size...)`` with the channels at ``axis``, the top
    ``(n..., channels * prod(kernel), out...)`` with the out of ``Convolution``.

    Source: Caffe's im2col_layer.cpp.

    Raises:
        ParameterError: there is no kernel size.
        ShapeError: the kernel does not fit into the bottom, or there are no spatial axes.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        self._axis = self.axis(self.param.convolution_param.axis, len(shape))
        if self._axis + 1 == len(shape):
            self.fail(ShapeError, f"bottom {self.param.bottom[0]!r} of shape {shape} has no spatial axes after its "
                      f"channels, axis {self._axis}")
        param = ConvolutionParameter()
        param.CopyFrom(self.param.convolution_param)
        param.num_output = param.group = 1  # there are no filters, only their size
        self._base = read_geometry(param, shape[self._axis], len(shape) - self._axis - 1, self.fail)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, a = bottom[0].shape, self._axis
        if len(shape) != a + 1 + len(self._base.kernel):
            self.fail(ShapeError, f"the kernel has {len(self._base.kernel)} axes, bottom {self.param.bottom[0]!r} is "
                      f"now of shape {shape}")
        geometry = self._base.over(prod(shape[:a]), shape[a + 1:], self.fail)
        top[0].reshape((*shape[:a], shape[a] * prod(geometry.kernel), *geometry.out))
        self._channels, self._table = shape[a], geometry.table
        self._columns = (geometry.num, shape[a] * prod(geometry.kernel), geometry.pixels)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data.reshape(-1), top[0].data.reshape(self._columns)
        parallel_for(im2col_images, len(y), x, self._channels, self._table, y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            dy, dx = top[0].diff.reshape(self._columns), bottom[0].diff.reshape(-1)
            parallel_for(col2im_images, len(dy), dy, self._channels, self._table, dx)
