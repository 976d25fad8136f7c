"""Which layers run as one: a convolution and the BatchNorm, Scale and ReLU that work in place on its top; a sum and a
ReLU.

The convolution does to what it writes what they would do, where memory would be the bottleneck; back, the gradient goes
through ReLU and convolution in one pass. Blobs hold what they would hold; only between the layers there is nothing to
see, and so a net with callbacks or ``debug_info`` runs them one by one. BatchNorm with stored statistics and Scale are
then one factor and one term a channel; so that rounding is all that may differ. They keep nothing for a backward pass,
and are left alone where there may be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caffe_lite.kernels.normalize import fold
from caffe_lite.layers.base import Layer
from caffe_lite.layers.batch_norm import BatchNormLayer
from caffe_lite.layers.convolution import ConvolutionLayer
from caffe_lite.layers.eltwise import EltwiseLayer
from caffe_lite.layers.relu import ReLULayer
from caffe_lite.layers.scale import ScaleLayer
from caffe_lite.parallel import Prepared, call

if TYPE_CHECKING:
    from caffe_lite.net.net import Net

ORDER = (BatchNormLayer, ScaleLayer, ReLULayer)  # any of them may be missing


class FusedSum:
    """An Eltwise layer that adds, number ``last - 1`` of a net, and the ReLU after it; back they go one by one."""

    backward = None

    def __init__(self, net: Net, first: int, layer: EltwiseLayer, relu: ReLULayer) -> None:
        self.last, self._layer = first + 1, layer
        self._bottom, self._top, self._slope = net.bottoms[first], net.tops[first], relu.param.relu_param.negative_slope

    def forward(self) -> None:
        """Run both."""
        self._layer.forward_rectified(self._bottom, self._top, self._slope)


class Fused:
    """The layers ``first`` to ``last`` of a net: a convolution and, in ``others``, what it does of those after it."""

    def __init__(self, net: Net, first: int, convolution: ConvolutionLayer, others: Sequence[Layer]) -> None:
        self.last, self._convolution = first + len(others), convolution
        self._bottom, self._top, self._propagate_down = net.bottoms[first], net.tops[first], net.propagate_down[first]
        self._norm = next((layer for layer in others if isinstance(layer, BatchNormLayer)), None)
        self._scale = next((layer for layer in others if isinstance(layer, ScaleLayer)), None)
        relu = others[-1]
        self._slope = relu.param.relu_param.negative_slope if isinstance(relu, ReLULayer) else 1
        dtype, channels = self._top[0].dtype, convolution.param.convolution_param.num_output if self._folds else 0
        self._ones, self._zeros = np.ones(channels, dtype), np.zeros(channels, dtype)
        self._factor, self._term = np.empty((2, channels), dtype)
        self._made = Prepared((self._factor, self._term))

    @property
    def _folds(self) -> bool:
        return self._norm is not None or self._scale is not None

    def forward(self) -> None:
        """Run all of them; none is a loss."""
        if not self._folds:
            self._convolution.forward_rectified(self._bottom, self._top, self._slope)
            return
        means, variances, weights, eps = self._zeros, self._ones, self._ones, 0.0
        if self._norm is not None:
            means, variances, weights = (blob.values.reshape(-1) for blob in self._norm.blobs)
            eps = self._norm.param.batch_norm_param.eps
        own, scale, bias = self._zeros, self._ones, self._zeros
        if len(self._convolution.blobs) > 1:
            own = self._convolution.blobs[1].values.reshape(-1)
        if self._scale is not None:
            scale = self._scale.blobs[0].values.reshape(-1)
            bias = self._scale.blobs[1].values.reshape(-1) if len(self._scale.blobs) > 1 else bias
        call(fold, own, means, variances, weights, scale.dtype.type(eps), scale, bias, self._factor, self._term,
             makes=self._made)
        self._convolution.forward_scaled(self._bottom, self._top, self._factor, self._term, self._slope)

    def backward(self) -> None:
        """Go back over a convolution and its ReLU; the others are only there where nobody goes back."""
        self._convolution.backward_rectified(self._top, self._propagate_down, self._bottom, self._slope)


def find_fused(net: Net, i: int) -> Fused | FusedSum | None:
    """What layer ``i`` can do of those after it, where it is a convolution or a sum."""
    layer = net.layers[i]
    if any(layer.param.loss_weight):
        return None
    if type(layer) is EltwiseLayer and layer.is_sum:
        return _find_sum(net, i, layer)
    return _find_convolution(net, i, layer) if type(layer) is ConvolutionLayer and len(net.tops[i]) == 1 else None


def _find_sum(net: Net, i: int, layer: EltwiseLayer) -> FusedSum | None:
    if i + 1 == len(net.layers) or not net.bottoms[i + 1] == net.tops[i + 1] == net.tops[i]:
        return None
    relu = net.layers[i + 1]
    return FusedSum(net, i, layer, relu) if type(relu) is ReLULayer and not any(relu.param.loss_weight) else None


def _find_convolution(net: Net, i: int, convolution: ConvolutionLayer) -> Fused | None:
    others: list[Layer] = []
    begin = 0
    for j in range(i + 1, len(net.layers)):
        layer = net.layers[j]
        kind = type(layer)
        if kind not in ORDER[begin:] or net.bottoms[j] != net.tops[i] or net.tops[j] != net.tops[i]:
            break
        if any(layer.param.loss_weight) or not _can(convolution, layer, any(net.need_backward[i:j + 1])):
            break
        others.append(layer)
        begin = ORDER.index(kind) + 1
    return Fused(net, i, convolution, others) if others else None


def _can(convolution: ConvolutionLayer, layer: Layer, need_backward: bool) -> bool:
    """Whether the convolution can do this layer.

    Of a ReLU a slope of 1 changes nothing, and with a negative one the output does not tell the sign of the input.
    """
    if isinstance(layer, ReLULayer):
        return 0 <= layer.param.relu_param.negative_slope < 1
    if need_backward or convolution.channel_axis != 1:
        return False
    if isinstance(layer, BatchNormLayer):
        return not layer.adds_up
    channels = convolution.param.convolution_param.num_output
    return layer.blobs[0].shape == (channels,) and layer.param.scale_param.axis in (1, 1 - convolution.axes)
