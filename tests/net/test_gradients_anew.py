"""Gradients that a pass back overwrites, so that nobody need clear them before."""

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite.parallel import record

FILLED = "weight_filler { type: 'gaussian' } bias_filler { type: 'gaussian' }"
NET = f"""{input_layers(x=(3, 7), label=(3, 5))}
    layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param {{ num_output: 300 {FILLED} }} }}
    layer {{ name: "b" type: "InnerProduct" bottom: "a" top: "b"
             inner_product_param {{ num_output: 6 transpose: true {FILLED} }} }}
    layer {{ name: "c" type: "InnerProduct" bottom: "b" top: "c" param {{ name: "shared" }}
             inner_product_param {{ num_output: 6 bias_term: false {FILLED} }} }}
    layer {{ name: "d" type: "InnerProduct" bottom: "c" top: "d" param {{ name: "shared" }}
             inner_product_param {{ num_output: 6 bias_term: false {FILLED} }} }}
    layer {{ name: "e" type: "InnerProduct" bottom: "d" top: "e" param {{ lr_mult: 0 }}
             inner_product_param {{ num_output: 5 {FILLED} }} }}
    layer {{ name: "loss" type: "EuclideanLoss" bottom: "e" bottom: "label" top: "loss" }}"""


@pytest.fixture
def net():
    net = make_net(NET, seed=3)
    rng = np.random.default_rng(0)
    for name in ("x", "label"):
        net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
    for param in net.params.learnable:
        param.blob.diff.fill(np.nan)
    net.forward()
    return net


def gradients(net):
    return [param.blob.diff.copy() for param in net.params.learnable]


def right(net):
    net.clear_param_diffs()
    net.backward()
    return gradients(net)


def test_they_are_the_same(net):
    expected = right(net)
    assert all(np.isfinite(diff).all() for diff in expected)
    assert any(diff.any() for diff in expected)
    for _ in range(4):  # by Python and by replay
        for param in net.params.learnable:
            param.blob.diff.fill(np.nan)
        net.clear_param_diffs(anew=True)
        net.backward()
        for found, once in zip(gradients(net), expected, strict=True):
            np.testing.assert_array_equal(found, once)


def test_what_somebody_overwrites_is_not_cleared(net):
    steps = record(net.clear_param_diffs, True)
    cleared = {id(array.base) for step in steps for _, args in step for array in args if isinstance(array, np.ndarray)}
    left = [param.layer for param in net.params.learnable if id(param.blob.diff.base) not in cleared]
    assert left == ["a", "b", "c"]


@pytest.mark.parametrize(("shape", "text"), [
    ((4, 4), """inner_product_param { num_output: 4 bias_term: false weight_filler { type: 'gaussian' } }
                param { name: "w" } }
                layer { name: "b" type: "Scale" bottom: "a" top: "b" scale_param { axis: 0 num_axes: 2 }
                        param { name: "w" }"""),
    ((4, 1), """inner_product_param { num_output: 70 weight_filler { type: 'gaussian' } }
                param { name: "w" share_mode: PERMISSIVE } param { name: "w" share_mode: PERMISSIVE } }
                layer { name: "b" type: "ReLU" bottom: "a" top: "b\""""),
], ids=["another type is the last", "one layer has it twice"])
def test_who_shares_with_what_adds_is_cleared(shape, text):
    net = make_net(f"""{input_layers(x=shape)} layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" {text} }}
                       layer {{ name: "loss" type: "Reduction" bottom: "b" top: "loss" loss_weight: 1 }}""", seed=3)
    net.blobs["x"].data[...] = np.random.default_rng(0).standard_normal(shape)
    net.forward()
    expected, = right(net)  # fmt: skip
    assert expected.any()
    net.params.learnable[0].blob.diff.fill(np.nan)
    net.clear_param_diffs(anew=True)
    net.backward()
    np.testing.assert_array_equal(gradients(net)[0], expected)


def test_a_second_pass_adds(net):
    expected = right(net)
    for _ in range(3):
        net.clear_param_diffs(anew=True)
        net.backward()
        net.backward()
        for found, once in zip(gradients(net), expected, strict=True):
            np.testing.assert_allclose(found, 2 * once, rtol=1e-5, atol=1e-6)


def test_a_pass_over_some_layers(net):
    expected = right(net)
    first = net.layer_names.index("b")
    for _ in range(3):
        for param in net.params.learnable:
            param.blob.diff.fill(np.nan)
        net.clear_param_diffs(anew=True)
        net.backward_from_to(len(net.layers) - 1, first)
        for param, once in zip(net.params.learnable, expected, strict=True):
            np.testing.assert_array_equal(param.blob.diff, 0 * once if param.layer == "a" else once)


@pytest.mark.parametrize("when", ["before_forward", "after_forward", "before_backward"])
def test_who_looks_on_sees_them_cleared(net, when):
    seen = []
    getattr(net, when).append(lambda i: seen.append([diff.any() for diff in gradients(net)]))
    for _ in range(3):
        net.clear_param_diffs(anew=True)
        assert not any(diff.any() for diff in gradients(net))
        net.forward()
        net.backward()
    assert seen


def test_none_of_an_empty_batch(net):
    for name in ("x", "label"):
        net.blobs[name].reshape((0, *net.blobs[name].shape[1:]))
    net.layers[-1].backward = lambda *given: None  # it divides by the number
    net.forward_from_to(0, len(net.layers) - 2)
    net.clear_param_diffs(anew=True)
    net.backward()
    assert not any(diff.any() for diff in gradients(net))
