"""A batch of no items runs through, as it does when Filter selects nothing."""

import numpy as np
import pytest
from support.layers import input_layers, make_net

LAYERS = {
    "InnerProduct": "inner_product_param { num_output: 4 }",
    "Convolution": "convolution_param { num_output: 4 kernel_size: 2 }",
    "Pooling": "pooling_param { kernel_size: 2 }",
    "ReLU": "",
    "Softmax": "",
    "Sigmoid": "",
    "BatchNorm": "",
}


@pytest.mark.parametrize("kind", LAYERS)
def test_empty_batch(kind):
    net = make_net("force_backward: true " + input_layers(x=(2, 3, 5, 6))
                   + f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" {LAYERS[kind]} }}')
    net.forward()
    net.blobs["x"].reshape((0, 3, 5, 6))
    net.forward()
    net.backward()
    assert net.blobs["y"].shape[0] == 0
    assert all(not param.blob.diff.any() and np.isfinite(param.blob.data).all() for param in net.params.learnable)
