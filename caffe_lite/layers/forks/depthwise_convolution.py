"""DepthwiseConvolution: each channel with a filter of its own."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.layers.convolution import ConvolutionLayer
from caffe_lite.layers.registry import register


@register("DepthwiseConvolution")
class DepthwiseConvolutionLayer(ConvolutionLayer):
    """Convolution whose ``num_output`` and ``group`` are the bottom's channels unless given.

    Source: yonghenglh6/DepthwiseConvolution; Howard et al., "MobileNets", 2017.

    Raises:
        ParameterError, ShapeError: as Convolution.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.convolution_param, bottom[0].shape
        channels = shape[self.axis(param.axis, len(shape))]
        for name in ("num_output", "group"):
            if not param.HasField(name):
                setattr(param, name, channels)
        super().setup(bottom, top)


@register("ConvolutionDepthwise")
class ConvolutionDepthwiseLayer(ConvolutionLayer):
    """Convolution whose ``num_output`` and ``group`` are the bottom's channels whatever is given.

    Source: conv_dw_layer.cpp of farmingyard/caffe-mobilenet.

    Raises:
        ParameterError, ShapeError: as Convolution.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, shape = self.param.convolution_param, bottom[0].shape
        param.num_output = param.group = shape[self.axis(param.axis, len(shape))]
        super().setup(bottom, top)
