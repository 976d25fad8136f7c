"""A convolution that does its BatchNorm, Scale and ReLU: every blob and gradient is what the two layers make one by one."""

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite import schema
from caffe_lite.layers import convolution

CONVOLUTIONS = {  # by the engine that is to do it, which another machine would not choose
    "Channel": ((3, 5, 9, 8), "num_output: 17 kernel_size: 3 pad: 1"),
    "Winograd": ((3, 5, 9, 8), "num_output: 17 kernel_size: 3 pad: 1"),
    "ImageWinograd": ((3, 5, 9, 8), "num_output: 17 kernel_size: 5 pad: 1"),
    "Direct": ((16, 2, 9, 8), "num_output: 4 kernel_size: 3"),
    "Im2col": ((1, 3, 9, 8), "num_output: 2 kernel_size: 2 stride: 2"),
    "Depthwise": ((2, 3, 9, 8), "num_output: 3 group: 3 kernel_size: 3"),
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


@pytest.fixture(autouse=True)
def engine(request, monkeypatch):
    kind = request.node.callspec.params.get("kind", "Channel") if hasattr(request.node, "callspec") else "Channel"
    chosen = getattr(convolution, f"{kind}Convolution")
    arguments = 2 if kind == "Depthwise" else 3
    monkeypatch.setattr(convolution, "choose_engine", lambda *given: chosen(*given[:arguments]))


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("relu", ["", "relu_param { negative_slope: 0.25 }", "relu_param { negative_slope: -2 }",
                                  "relu_param { negative_slope: 1 }"])
def test_nobody_sees_it(kind, relu):
    shape, fields = CONVOLUTIONS[kind]
    values, slopes, params, net = run(shape, fields, relu, watch=False)
    values1, slopes1, params1, _ = run(shape, fields, relu, watch=True)
    for name in values:
        np.testing.assert_array_equal(values[name], values1[name])
        np.testing.assert_array_equal(slopes[name], slopes1[name])
    for a, b in zip(params, params1, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert (net._fused[1] is not None) == ("-2" not in relu and "1 }" not in relu)


NORM = 'layer { name: "n" type: "BatchNorm" bottom: "y" top: "y" batch_norm_param { eps: 0.1 } }'
SCALE = '''layer { name: "s" type: "Scale" bottom: "y" top: "y"
             scale_param { filler { type: "gaussian" std: 1 } bias_term: true bias_filler { type: "gaussian" } } }'''
FACTOR = '''layer { name: "s" type: "Scale" bottom: "y" top: "y" scale_param { axis: -3 filler { type: "gaussian" } } }'''
RELU = 'layer { name: "r" type: "ReLU" bottom: "y" top: "y" relu_param { negative_slope: 0.25 } }'


def deployed(shape, fields, *layers, dtype=np.float32, **others):
    net = make_net(f"""{input_layers(x=shape)}
        layer {{ name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param {{ {fields}
                 weight_filler {{ type: "gaussian" std: 0.3 }} bias_filler {{ type: "gaussian" std: 0.3 }} }} }}
        """ + "".join(layers), dtype=dtype, seed=5, phase=schema.TEST, **others)
    rng = np.random.default_rng(0)
    net.blobs["x"].data[...] = rng.standard_normal(shape)
    for layer in net.layers:
        if layer.type == "BatchNorm":
            for blob in layer.blobs:
                blob.data[...] = rng.uniform(0.5, 2, blob.shape)
    return net


def fused(net):
    net.forward()
    return net.blobs["y"].data.copy()


def one_by_one(net):
    for i in range(len(net.layers)):
        net.forward_layer(i)
    return net.blobs["y"].data.copy()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", ["", "bias_term: false"])
@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("layers", [(NORM,), (SCALE,), (NORM, RELU), (FACTOR, RELU), (NORM, SCALE), (NORM, SCALE, RELU)])
def test_stored_statistics_and_factors(kind, layers, bias, dtype):
    shape, fields = CONVOLUTIONS[kind]
    net = deployed(shape, f"{fields} {bias}", *layers, dtype=dtype)
    assert net._fused[1].last == len(net.layers) - 1
    expected, close = one_by_one(net), dict.fromkeys(("rtol", "atol"), 1e-5 if dtype == np.float32 else 1e-13)
    for _ in range(3):
        net.blobs["y"].data.fill(7)
        np.testing.assert_allclose(fused(net), expected, **close)
    for layer in net.layers:  # the next pass sees what anybody writes
        for blob in layer.blobs:
            blob.data[...] *= 1.25
    changed = fused(net)
    assert abs(changed - expected).max() > 0.1
    np.testing.assert_allclose(changed, one_by_one(net), **close)
    net.blobs["x"].reshape((2, *shape[1:-1], shape[-1] + 3))
    np.testing.assert_allclose(fused(net), one_by_one(net), **close)


def test_groups_have_factors_of_their_own():
    net = deployed((3, 6, 9, 8), "num_output: 34 group: 2 kernel_size: 3 pad: 1", NORM, SCALE, RELU)
    np.testing.assert_allclose(fused(net), one_by_one(net), rtol=1e-5, atol=1e-5)


def test_statistics_without_weight_count_as_0():
    net = deployed(*CONVOLUTIONS["Channel"], NORM)
    net.layers[2].blobs[2].data[...] = 0
    np.testing.assert_allclose(fused(net), one_by_one(net), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("layers", "count"), [
    ((NORM.replace("eps", "use_global_stats: false eps"), RELU), 0),
    ((NORM, SCALE.replace("scale_param {", "scale_param { axis: 2 num_axes: 2")), 1),
    ((SCALE.replace("scale_param {", "scale_param { num_axes: 2"), RELU), 0),
    ((SCALE, NORM, RELU), 1),
    ((NORM, SCALE, SCALE.replace('"s"', '"t"')), 2),
    ((NORM, RELU, 'layer { name: "p" type: "Power" bottom: "y" top: "y" }'), 2),
    ((NORM.replace('top: "y"', 'top: "z"'),), 0),
    (('layer { name: "t" type: "Silence" bottom: "x" }', NORM), 0),
])
def test_as_many_as_it_can(layers, count):
    net = deployed(*CONVOLUTIONS["Channel"], *layers)
    assert (net._fused[1].last - 1 if net._fused[1] else 0) == count
    np.testing.assert_allclose(fused(net), one_by_one(net), rtol=1e-5, atol=1e-5)


def test_gradients_need_what_lies_between():
    net = deployed(*CONVOLUTIONS["Channel"], NORM, SCALE, RELU, "force_backward: true")
    assert net._fused[1] is None
    loss = 'layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }'
    net = deployed(*CONVOLUTIONS["Channel"], NORM, SCALE, RELU, loss)
    assert net._fused[1] is None


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
    shape, fields = CONVOLUTIONS["Channel"]
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
    assert net._fused == [None] * len(net.layers)


@pytest.mark.parametrize("slope", ["", "negative_slope: 0.25", "negative_slope: -2"])
@pytest.mark.parametrize("fields", ["", "operation: SUM coeff: 2 coeff: -3 coeff: 0.5", "operation: PROD"])
def test_a_sum_does_its_relu(slope, fields):
    shape = (3, 5, 9, 8)
    found = []
    for watch in (False, True):
        net = make_net(f"""force_backward: true {input_layers(x=shape, y=shape, z=shape)}
            layer {{ name: "s" type: "Eltwise" bottom: "x" bottom: "y" bottom: "z" top: "t" eltwise_param {{ {fields} }} }}
            layer {{ name: "r" type: "ReLU" bottom: "t" top: "t" relu_param {{ {slope} }} }}""")
        rng = np.random.default_rng(0)
        for name in "xyz":
            net.blobs[name].data[...] = rng.standard_normal(shape)
        if watch:
            net.after_forward.append(lambda i: None)
            net.after_backward.append(lambda i: None)
        for _ in range(2):
            net.forward()
        net.blobs["t"].diff[...] = rng.standard_normal(shape)
        net.backward()
        found.append([array.copy() for name in "xyzt" for array in (net.blobs[name].data, net.blobs[name].diff)])
        assert (net._fused[3] is not None) == ("PROD" not in fields)
    np.testing.assert_equal(*found)
    assert (found[0][6] < 0).any() == ("0.25" in slope)


@pytest.mark.parametrize("rest", [
    'layer { name: "r" type: "ReLU" bottom: "t" top: "u" }',
    'layer { name: "r" type: "Sigmoid" bottom: "t" top: "t" }',
    'layer { name: "r" type: "ReLU" bottom: "t" top: "t" loss_weight: 1 }',
    ""])  # fmt: skip
def test_a_sum_that_no_relu_rectifies_in_place(rest):
    net = make_net(input_layers(x=(2, 3), y=(2, 3)) + 'layer { name: "s" type: "Eltwise" bottom: "x" bottom: "y" top: "t" }'
                   + rest)
    assert not any(net._fused)
