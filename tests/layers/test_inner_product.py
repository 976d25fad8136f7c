"""InnerProduct: gradients, new batch sizes, and complaints."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

from caffe_lite import parallel
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.layers.inner_product import HALVES


def layer(fields):
    return f'layer {{ name: "l" type: "InnerProduct" bottom: "x" top: "y" inner_product_param {{ {fields} }} }}'


@pytest.mark.parametrize("fields", [
    "num_output: 3", "num_output: 3 bias_term: false", "num_output: 4 transpose: true", "num_output: 3 axis: 2",
    "num_output: 3 axis: -1 transpose: true", "num_output: 2 axis: 0", f"num_output: {HALVES + 1}",
])
def test_gradient(fields):
    check_gradient(layer(fields), {"x": np.random.default_rng(1).standard_normal((5, 2, 7))})


@pytest.mark.parametrize("batch", [7, 70])
@pytest.mark.parametrize("transpose", ["true", "false"])
def test_on_several_threads(transpose, batch, monkeypatch):
    rng = np.random.default_rng(1)
    inputs, weights, gradient = (rng.standard_normal(shape).astype(np.float32)
                                 for shape in ((batch, 1000), (1000, 530), (batch, 530)))
    bias, before = rng.standard_normal(530), rng.standard_normal((1000, 530))
    results = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(parallel, "_threads", threads)
        net = make_net("force_backward: true " + input_layers(x=(batch, 1000))
                       + layer(f"num_output: 530 transpose: {transpose}"))
        x, y, (w, b) = net.blobs["x"], net.blobs["y"], net.layers[1].blobs
        turn = np.asarray if transpose == "true" else np.transpose
        x.data[...], w.data[...], b.data[...], w.diff[...] = inputs, turn(weights), bias, turn(before)
        net.forward()
        y.diff[...] = gradient
        net.backward()
        results.append([y.data.copy(), x.diff.copy(), turn(w.diff).copy(), b.diff.copy()])
    expected = inputs @ weights + bias, gradient @ weights.T, inputs.T @ gradient + before, gradient.sum(axis=0)
    for found, right in zip(results[0], expected, strict=True):
        np.testing.assert_allclose(found, right, atol=1e-3)
    for other in results[1:]:
        for found, right in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(found, right)


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
