"""A convolution that does its ReLU: every blob and gradient is what the two layers make one by one."""

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite import schema

CONVOLUTIONS = {
    "channel": ((3, 5, 9, 8), "num_output: 17 kernel_size: 3 pad: 1"),
    "direct": ((16, 2, 9, 8), "num_output: 4 kernel_size: 3"),
    "im2col": ((1, 3, 9, 8), "num_output: 2 kernel_size: 2 stride: 2"),
    "depthwise": ((2, 3, 9, 8), "num_output: 3 group: 3 kernel_size: 3"),
}


def run(shape, fields, relu, watch, layers="", dtype=np.float32):
    net = make_net(f"""force_backward: true {input_layers(x=shape)}
        layer {{ name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param {{ {fields}
                 weight_filler {{ type: "gaussian" std: 0.3 }} bias_filler {{ type: "gaussian" std: 0.3 }} }} }}
        layer {{ name: "r" type: "ReLU" bottom: "y" top: "y" {relu} }} {layers}""", dtype=dtype, seed=5)
    seen = []
    if watch:
        net.before_forward.append(seen.append)
        net.after_backward.append(seen.append)
    rng = np.random.default_rng(0)
    net.blobs["x"].data[...] = rng.standard_normal(shape)
    for _ in range(2):
        net.forward()
    net.blobs[net.outputs[0]].diff[...] = rng.standard_normal(net.blobs[net.outputs[0]].shape)
    net.clear_param_diffs()
    net.backward()
    if watch:
        assert 1 in seen
        assert 2 in seen
    values = {name: blob.data.copy() for name, blob in net.blobs.items()}
    slopes = {name: blob.diff.copy() for name, blob in net.blobs.items()}
    return values, slopes, [param.blob.diff.copy() for param in net.params.learnable], net


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("relu", ["", "relu_param { negative_slope: 0.25 }", "relu_param { negative_slope: -2 }",
                                  "relu_param { negative_slope: 1 }"])
def test_nobody_sees_it(kind, relu):
    shape, fields = CONVOLUTIONS[kind]
    values, slopes, params, net = run(shape, fields, relu, watch=False)
    values1, slopes1, params1, _ = run(shape, fields, relu, watch=True)
    assert kind in type(net.layers[1]._engine).__name__.lower()
    for name in values:
        np.testing.assert_array_equal(values[name], values1[name])
        np.testing.assert_array_equal(slopes[name], slopes1[name])
    for a, b in zip(params, params1, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert (net._slopes[1] is not None) == ("-2" not in relu and "1 }" not in relu)


def test_who_waits_for_gradients_of_parameters_only():
    """It is told of each layer, or pair, when they are final, and the pair stays one."""
    net = make_net(f"""{input_layers(x=(3, 5, 9, 8))}
        layer {{ name: "a" type: "Convolution" bottom: "x" top: "y" convolution_param {{ num_output: 17 kernel_size: 3 pad: 1
                 weight_filler {{ type: "xavier" }} }} }}
        layer {{ name: "r" type: "ReLU" bottom: "y" top: "y" }}
        layer {{ name: "b" type: "Convolution" bottom: "y" top: "z" convolution_param {{ num_output: 4 kernel_size: 2
                 weight_filler {{ type: "xavier" }} }} }}
        layer {{ name: "s" type: "ReLU" bottom: "z" top: "z" }}
        layer {{ name: "loss" type: "Reduction" bottom: "z" top: "loss" loss_weight: 1 }}""", seed=5)
    net.blobs["x"].data[...] = np.random.default_rng(0).standard_normal((3, 5, 9, 8))

    def gradients():
        return [param.blob.diff.copy() for param in net.params.learnable]

    def go():
        net.clear_param_diffs()
        net.forward()
        net.backward()
        return gradients()

    expected, seen = go(), {}
    assert all(gradient.any() for gradient in expected)
    net.after_param_diffs.append(lambda i: seen.update({i: gradients()}))
    final = go()
    assert list(seen) == [5, 3, 1, 0]
    np.testing.assert_equal(final, expected)
    np.testing.assert_equal(seen[3][2:], expected[2:])
    np.testing.assert_equal(seen[1], expected)
    net.before_backward.append(lambda i: None)
    go()
    assert list(seen) == [5, 3, 1, 0, 4, 2]


def test_a_part_of_the_net_stops_between_them():
    shape, fields = CONVOLUTIONS["channel"]
    net = run(shape, fields, "", watch=False)[3]
    net.forward_from_to(0, 1)
    assert (net.blobs["y"].data < 0).any()
    net.forward_from_to(2, 2)
    assert not (net.blobs["y"].data < 0).any()
    net.blobs["y"].diff[...] = 1
    net.backward_from_to(2, 2)
    np.testing.assert_array_equal(net.blobs["y"].diff, net.blobs["y"].data > 0)


@pytest.mark.parametrize("text", [
    'layer { name: "r" type: "ReLU" bottom: "y" top: "z" }',
    'layer { name: "r" type: "TanH" bottom: "y" top: "y" }',
    'layer { name: "r" type: "ReLU" bottom: "y" top: "y" loss_weight: 2 }',
    "",
])
def test_other_pairs_are_left_alone(text):
    net = make_net(input_layers(x=(3, 5, 9, 8)) + """
        layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 17 kernel_size: 3 } }
        """ + text, phase=schema.TEST)
    assert net._slopes == [None] * len(net.layers)
