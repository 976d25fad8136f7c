"""How much arithmetic a net needs: the multiply-adds of its matrix products.

Only products with weights count, as everybody counts them: Convolution, Deconvolution, InnerProduct and the recurrent
layers. What is done once for each element, such as ReLU, pooling or normalisation, is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.layers import Layer
from caffe_lite.layers.convolution import ConvolutionLayer
from caffe_lite.layers.deconvolution import DeconvolutionLayer
from caffe_lite.layers.inner_product import InnerProductLayer
from caffe_lite.layers.recurrent import RecurrentLayer


def multiply_adds(layer: Layer, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> int:
    """Multiplications, each with an addition, of a layer's forward pass over these blobs."""
    if isinstance(layer, RecurrentLayer):
        return _recurrent(layer, bottoms)
    return sum(product(layer, bottom, top) for bottom, top in zip(bottoms, tops, strict=False))


def product(layer: Layer, bottom: Blob, top: Blob) -> int:
    """The multiply-adds of the product that makes ``top`` from ``bottom``: one for each weight and place where it is
    used. Padding counts, as it does in the product that a convolution is. 0 for a layer without one."""
    if isinstance(layer, InnerProductLayer):
        return layer.blobs[0].count * (top.count // layer.param.inner_product_param.num_output)
    if isinstance(layer, DeconvolutionLayer):
        return layer.blobs[0].count * (bottom.count // layer.blobs[0].shape[0])
    if isinstance(layer, ConvolutionLayer):
        return layer.blobs[0].count * (top.count // layer.blobs[0].shape[0])
    return 0


def _recurrent(layer: RecurrentLayer, bottoms: Sequence[Blob]) -> int:
    """Each weight once for each step and stream; those of the static input once for each stream."""
    steps, streams = bottoms[0].shape[:2]
    exposed = len(layer.states) if layer.param.recurrent_param.expose_hidden else 0
    static = layer.blobs[2].count if len(bottoms) > 2 + exposed else 0
    weights = sum(blob.count for blob in layer.blobs if len(blob.shape) > 1)
    return streams * (steps * (weights - static) + static)
