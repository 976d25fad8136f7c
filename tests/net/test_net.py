"""Wiring, sharing, gradients that are needed, and what goes wrong."""

import logging

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import GraphError, ShapeError

IP = 'type: "InnerProduct" inner_product_param {{ num_output: {0} weight_filler {{ type: "xavier" }} }}'


def ip(name, bottom, top, outputs, more=""):
    return f'layer {{ name: "{name}" bottom: "{bottom}" top: "{top}" {IP.format(outputs)} {more} }}\n'


LOSS = 'layer { name: "loss" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "loss" }\n'
SIAMESE = (
    input_layers(x=(5, 3), y=(5, 3), s=(5,))
    + ip("ipa", "x", "a", 2, 'param { name: "w" lr_mult: 2 } param { name: "b" }')
    + ip("ipb", "y", "b", 2, 'param { name: "w" } param { name: "b" decay_mult: 0.5 }')
    + LOSS
)


def test_shared_parameters_are_one():
    net = make_net(SIAMESE, seed=1)
    first, second = (layer for layer in net.layers if layer.type == "InnerProduct")
    assert np.shares_memory(first.blobs[0].data, second.blobs[0].data)
    assert np.shares_memory(first.blobs[1].diff, second.blobs[1].diff)
    assert [(p.layer, p.index, p.lr_mult, p.decay_mult) for p in net.params.learnable] == [
        ("ipa", 0, 2, 1), ("ipa", 1, 1, 0.5)]


def test_shared_gradients_add_up():
    net = make_net("force_backward: true " + SIAMESE, seed=1)
    rng = np.random.default_rng(0)
    for name in "xy":
        net.blobs[name].data[...] = rng.normal(size=(5, 3))
    net.blobs["s"].data[...] = [1, 0, 1, 0, 1]
    net.forward()
    net.clear_param_diffs()
    net.backward()
    a, b = net.blobs["a"].diff, net.blobs["b"].diff
    np.testing.assert_allclose(net.params.learnable[0].blob.diff,
                               a.T @ net.blobs["x"].data + b.T @ net.blobs["y"].data, rtol=1e-5)
    np.testing.assert_allclose(net.params.learnable[1].blob.diff, a.sum(0) + b.sum(0), rtol=1e-4, atol=1e-7)


def test_cleared_gradients_show_zeros_in_views_taken_before():
    net = make_net("force_backward: true " + SIAMESE, seed=1)
    views = [blob.diff for layer in net.layers for blob in layer.blobs]
    for view in views:
        view[...] = 7
    net.clear_param_diffs()
    assert not any(view.any() for view in views)


def test_different_multipliers_of_a_shared_parameter():
    text = SIAMESE.replace('param { name: "w" } param', 'param { name: "w" lr_mult: 3 } param')
    with pytest.raises(GraphError, match=r"layer 'ipb'.*'w' has mismatched lr_mult: 3 here, 2 before.*'ipa'"):
        make_net(text)
    text = SIAMESE.replace('param { name: "b" }', 'param { name: "b" decay_mult: 0 }')
    with pytest.raises(GraphError, match=r"'b' has mismatched decay_mult"):
        make_net(text)


def test_different_shapes_of_a_shared_parameter():
    text = input_layers(x=(5, 3), y=(5, 4)) + ip("p", "x", "a", 2, 'param { name: "w" }')
    with pytest.raises(ShapeError, match=r"'w' owned by layer 'p': shape mismatch.*2 3 \(6\).*2 4 \(8\)"):
        make_net(text + ip("q", "y", "b", 2, 'param { name: "w" }'))
    with pytest.raises(ShapeError, match="count mismatch"):
        make_net(text + ip("q", "y", "b", 2, 'param { name: "w" share_mode: PERMISSIVE }'))


def test_same_count_other_shape_hints_at_permissive():
    text = input_layers(x=(5, 3), y=(5, 2)) + ip("p", "x", "a", 2, 'param { name: "w" }')
    with pytest.raises(ShapeError, match="PERMISSIVE compares the counts only"):
        make_net(text + ip("q", "y", "b", 3, 'param { name: "w" }'))


def test_too_many_params():
    with pytest.raises(GraphError, match=r"layer 'p'.*Too many params.*2 parameter blob.*3 param"):
        make_net(input_layers(x=(5, 3)) + ip("p", "x", "a", 2, "param {} param {} param {}"))


def test_only_needed_gradients():
    net = make_net(SIAMESE.replace(LOSS, "") + ip("deep", "a", "a2", 2)
                   + LOSS.replace('"a"', '"a2"')
                   + ip("unused", "x", "u", 4))
    needs = dict(zip(net.layer_names, net.need_backward, strict=True))
    wanted = dict(zip(net.layer_names, net.propagate_down, strict=True))
    assert needs["ipa"]
    assert needs["deep"]
    assert needs["loss"]
    assert not needs["unused"]  # nothing above it is a loss
    assert wanted["ipa"] == [False]  # nobody below learns
    assert wanted["deep"] == [True]
    assert wanted["loss"] == [True, True, False]


def test_propagate_down_cuts_a_branch():
    net = make_net(SIAMESE.replace('top: "loss"', 'top: "loss" propagate_down: [true, false, false]'))
    assert dict(zip(net.layer_names, net.need_backward, strict=True))["ipb"] is False
    with pytest.raises(GraphError, match="has 3 bottoms and 1 propagate_down"):
        make_net(SIAMESE.replace('top: "loss"', 'top: "loss" propagate_down: true'))


def test_a_frozen_layer_is_not_learned():
    net = make_net(SIAMESE.replace("lr_mult: 2", "lr_mult: 0"))
    layer = net.layers[net.layer_names.index("ipa")]
    assert layer.param_propagate_down == [False, True]


def test_force_backward_reaches_inputs_but_no_labels():
    net = make_net("force_backward: true " + SIAMESE)
    wanted = dict(zip(net.layer_names, net.propagate_down, strict=True))
    assert wanted["ipa"] == [True]
    assert wanted["loss"] == [True, True, False]


def test_outputs_in_alphabetical_order_of_bytes():
    net = make_net(input_layers(b=(1,), a=(2,), Z=(3,), A=(4,)))
    assert net.outputs == ["A", "Z", "a", "b"]
    assert net.inputs == ["b", "a", "Z", "A"]


def test_loss_weight():
    net = make_net(SIAMESE.replace('top: "loss"', 'top: "loss" loss_weight: 3'), seed=2)
    net.blobs["s"].data[...] = 1
    net.blobs["x"].data[...] = 1
    loss = net.forward()
    assert loss == pytest.approx(3 * float(net.blobs["loss"].data))
    assert loss > 0
    with pytest.raises(GraphError, match="2 loss_weight for 1 tops"):
        make_net(SIAMESE.replace('top: "loss"', 'top: "loss" loss_weight: 3 loss_weight: 1'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('layer { name: "l" type: "Softmacks" top: "y" }',
         "layer 'l': unknown layer type: 'Softmacks'; did you mean Softmax"),
        ('layer { name: "l" type: "Softmax" bottom: "nope" top: "y" }', "Unknown bottom blob 'nope'"),
        (input_layers(x=(2, 3)) + 'layer { name: "l" type: "Softmax" bottom: "x" top: "y" }'
         'layer { name: "m" type: "Input" top: "y" }', "Top blob 'y' produced by multiple sources.*'m'"),
        (input_layers(x=(2,)) + 'layer { name: "l" type: "ContrastiveLoss" bottom: "x" top: "y" }',
         r"layer 'l' \(ContrastiveLoss\): takes exactly 3 bottom"),
        ('layer { name: "l" type: "Input" bottom: "x" }', "Unknown bottom"),
    ],
)
def test_nets_that_cannot_be(text, message):
    with pytest.raises(GraphError, match=message):
        make_net(text)


def test_new_input_shape_is_carried_through():
    net = make_net(input_layers(x=(2, 3)) + 'layer { name: "l" type: "Softmax" bottom: "x" top: "y" }')
    net.blobs["x"].reshape((4, 5))
    net.forward()
    assert net.blobs["y"].data.shape == (4, 5)
    np.testing.assert_allclose(net.blobs["y"].data, 0.2, rtol=1e-6)
    net.blobs["x"].reshape((3, 2))
    net.reshape()
    assert net.blobs["y"].shape == (3, 2)


def test_debug_info(caplog):
    net = make_net("debug_info: true " + SIAMESE, seed=1)
    net.blobs["x"].data[...] = -2
    with caplog.at_level(logging.INFO):
        net.forward()
        net.backward()
    lines = [record.getMessage() for record in caplog.records]
    assert "    [Forward] Layer in_x, top blob x data: 2" in lines
    assert any(line.startswith("    [Forward] Layer ipa, param blob w data: ") for line in lines)
    assert any(line.startswith("    [Backward] Layer loss, bottom blob a diff: ") for line in lines)
    assert any(line.startswith("    [Backward] Layer ipb, param blob 0 diff: ") for line in lines)
    assert any("All net params (data, diff): L1 norm = (" in line for line in lines)


def test_the_log_tells_how_the_net_is_built(caplog):
    with caplog.at_level(logging.INFO):
        make_net(SIAMESE)
    text = "\n".join(record.getMessage() for record in caplog.records)
    for line in ("Creating layer ipa", "Creating Layer ipa", "ipa <- x", "ipa -> a", "Setting up ipa",
                 "Top shape: 5 2 (10)", "Top shape: (1)", "    with loss weight 1", "Memory required for data: 224",
                 "Sharing parameters 'w' owned by layer 'ipa', param index 0", "ipa needs backward computation.",
                 "in_x does not need backward computation.", "This network produces output loss",
                 "Network initialization done."):
        assert line in text.splitlines(), line


def test_phase_of_a_layer():
    net = make_net(input_layers(x=(1,)), phase=schema.TRAIN)
    assert net.layers[0].param.phase == schema.TRAIN


def test_layers_of_two_nets_that_cannot_share():
    net = make_net(input_layers(x=(5, 3)) + ip("ip", "x", "a", 2))
    with pytest.raises(GraphError, match=r"parameter 0 of layer 'ip' has the shape \(4, 3\) in one net and \(2, 3\) in the other"):
        net.share_trained_layers_with(make_net(input_layers(x=(5, 3)) + ip("ip", "x", "a", 4)))
    with pytest.raises(GraphError, match="layer 'ip' has 0 parameter blobs in one net and 2 in the other"):
        net.share_trained_layers_with(make_net(input_layers(x=(5, 3)) + 'layer { name: "ip" type: "ReLU" bottom: "x" top: "a" }'))
