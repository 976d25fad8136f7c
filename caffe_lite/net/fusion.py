"""Which layers run as one: a convolution and the ReLU that works in place on its top.

The convolution rectifies what it writes, and the gradient goes through both in one pass, where memory would be the
bottleneck. Blobs hold what they would hold; only between the two layers there is nothing to see, and so a net with
callbacks or ``debug_info`` runs them one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caffe_lite.layers.convolution import ConvolutionLayer
from caffe_lite.layers.relu import ReLULayer

if TYPE_CHECKING:
    from caffe_lite.net.net import Net


def rectified_slope(net: Net, i: int) -> float | None:
    """The negative slope of the ReLU that layer ``i``, a convolution, can do; None where there is none.

    A slope of 1 changes nothing, and with a negative one the output does not tell the sign of the input.
    """
    if i + 1 >= len(net.layers):
        return None
    layer, relu, top = net.layers[i], net.layers[i + 1], net.tops[i]
    if type(layer) is not ConvolutionLayer or type(relu) is not ReLULayer or len(top) != 1:
        return None
    if net.bottoms[i + 1][0] is not top[0] or net.tops[i + 1][0] is not top[0]:
        return None
    if any(weight for losses in (layer.param.loss_weight, relu.param.loss_weight) for weight in losses):
        return None
    slope = relu.param.relu_param.negative_slope
    return slope if 0 <= slope < 1 else None


def forward_rectified(net: Net, i: int, slope: float) -> None:
    """Run layer ``i``, a convolution, and the ReLU after it; neither is a loss."""
    layer = net.layers[i]
    assert isinstance(layer, ConvolutionLayer)
    layer.forward_rectified(net.bottoms[i], net.tops[i], slope)


def backward_rectified(net: Net, i: int, slope: float) -> None:
    """Go back over both."""
    layer = net.layers[i]
    assert isinstance(layer, ConvolutionLayer)
    layer.backward_rectified(net.tops[i], net.propagate_down[i], net.bottoms[i], slope)
