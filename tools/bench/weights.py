"""Parameters under which every layer of a net has something to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.blob import Array
from caffe_lite.net import Net
from tools.bench.operations import PRODUCTS

BATCH = 4
SEED = 1


def draw_weights(param: Any) -> Any:
    """The net's message with parameters, as a ``.caffemodel`` holds it.

    Weights are normal and scaled, layer by layer, so that outputs have unit variance; BatchNorm gets the statistics of
    its bottom. So the numbers of deep nets neither vanish nor blow up, and a difference between two programs shows.

    Args:
        param: a training net, which has all layers.

    Source: Mishkin, Matas, All you need is a good init, 2015.
    """
    param.state.phase = schema.TRAIN
    net = Net(param)
    rng = np.random.default_rng(SEED)
    fill_inputs(net, rng)
    for i, layer in enumerate(net.layers):
        if layer.type in PRODUCTS:
            for blob, scale in zip(layer.blobs, (1.0, 0.1), strict=False):
                blob.data[...] = scale * rng.standard_normal(blob.shape, np.float32)
            net.forward_layer(i)
            layer.blobs[0].data[...] /= net.tops[i][0].data.std()
        elif layer.type == "BatchNorm":
            axes = (0, 2, 3)
            bottom = net.bottoms[i][0].data
            for blob, values in zip(layer.blobs, (bottom.mean(axes), bottom.var(axes), 1), strict=True):
                blob.data[...] = values
            saved = [blob.data.copy() for blob in layer.blobs]
            net.forward_layer(i)
            for blob, values in zip(layer.blobs, saved, strict=True):
                blob.data[...] = values
            continue
        net.forward_layer(i)
    return net.to_proto()


def fill_inputs(net: Net, rng: np.random.Generator) -> None:
    """Noise for what has several axes; zeros and ones, labels that every loss takes, for the others."""
    for name in net.inputs:
        blob = net.blobs[name]
        blob.data[...] = (rng.standard_normal(blob.shape) if len(blob.shape) > 1 else rng.integers(0, 2, blob.shape))


def arrays(weights: Any) -> dict[str, Array]:
    """The parameters by ``layer:index``; ``/`` may stand in a layer's name."""
    return {f"{layer.name}:{i}": schema.blob_to_array(blob)
            for layer in weights.layer for i, blob in enumerate(layer.blobs)}
