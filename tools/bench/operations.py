"""How much arithmetic a pass needs: what ``fraction`` measures times against."""

from __future__ import annotations

from caffe_lite.net import Net
from caffe_lite.net.operations import product

PRODUCTS = ("Convolution", "Deconvolution", "InnerProduct")


def operations(net: Net, backward: bool) -> int:
    """Multiplications and additions of the matrix products in a forward pass, and in a backward one too if asked.

    Only Convolution, Deconvolution and InnerProduct count, as ``caffe_lite.net.operations`` counts them. Going back
    costs as much again for the gradient of the weights where they learn, and as much again for that of the bottom where
    somebody needs it; a net's first layer computes none.
    """
    return sum(layer_operations(net, i, backward) for i in range(len(net.layers)))


def layer_operations(net: Net, i: int, backward: bool) -> int:
    """The same of layer ``i`` alone."""
    layer = net.layers[i]
    if layer.type not in PRODUCTS:
        return 0
    total = 0
    for bottom, top, wanted in zip(net.bottoms[i], net.tops[i], net.propagate_down[i], strict=True):
        passes = 1
        if backward and net.need_backward[i]:
            passes += layer.param_propagate_down[0] + wanted
        total += 2 * product(layer, bottom, top) * passes
    return total
