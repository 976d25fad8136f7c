"""InnerProduct: gradients, new batch sizes, and complaints."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

from caffe_lite.errors import ParameterError, ShapeError


def layer(fields):
    return f'layer {{ name: "l" type: "InnerProduct" bottom: "x" top: "y" inner_product_param {{ {fields} }} }}'


@pytest.mark.parametrize("fields", [
    "num_output: 3", "num_output: 3 bias_term: false", "num_output: 4 transpose: true", "num_output: 3 axis: 2",
    "num_output: 3 axis: -1 transpose: true", "num_output: 2 axis: 0",
])
def test_gradient(fields):
    check_gradient(layer(fields), {"x": np.random.default_rng(1).standard_normal((5, 2, 7))})


@pytest.mark.parametrize("transpose", ["true", "false"])
def test_large_enough_for_several_threads(transpose):
    net = make_net(input_layers(x=(70, 300)) + layer(f"num_output: 130 transpose: {transpose}"))
    rng = np.random.default_rng(1)
    x, (w, b) = net.blobs["x"].data, net.layers[1].blobs
    for array in (x, w.data, b.data):
        array[...] = rng.standard_normal(array.shape)
    net.forward()
    matrix = w.data if transpose == "true" else w.data.T
    np.testing.assert_allclose(net.blobs["y"].data, x @ matrix + b.data, atol=1e-4)


def test_a_new_batch_size():
    net = make_net(input_layers(x=(2, 3)) + layer("num_output: 2"))
    net.layers[1].blobs[0].data[...] = [[1, 2, 3], [4, 5, 6]]
    net.blobs["x"].reshape((5, 3))
    net.blobs["x"].data[...] = 1
    net.forward()
    assert net.blobs["y"].data.tolist() == [[6, 15]] * 5


def test_what_cannot_be():
    with pytest.raises(ParameterError, match=r"layer 'l' \(InnerProduct\): num_output must be 1 or more"):
        make_net(input_layers(x=(2, 3)) + layer(""))
    with pytest.raises(ParameterError, match="axis 3 is out of range"):
        make_net(input_layers(x=(2, 3)) + layer("num_output: 1 axis: 3"))
    net = make_net(input_layers(x=(2, 3)) + layer("num_output: 2"))
    net.blobs["x"].reshape((2, 4))
    with pytest.raises(ShapeError, match="the weights were made for 3 inputs.*now has 4"):
        net.forward()
