"""Slice, Split, Softmax, the losses, Accuracy and Input: gradients, corners and error messages."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

from caffe_lite.errors import CaffeError, DataError, GraphError, ParameterError, ShapeError

RNG = np.random.default_rng(5)


def layer(kind, bottoms, tops, more=""):
    names = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "l" type: "{kind}"{names} {more} }}'


def normal(*shape):
    return RNG.normal(size=shape)


@pytest.mark.parametrize("more", ["", "slice_param { axis: 0 slice_point: 3 }", "slice_param { axis: -1 slice_point: 1 }"])
def test_slice_gradient(more):
    check_gradient(layer("Slice", "x", "ab", more), {"x": normal(4, 2, 3)})


def test_slice_into_one_is_the_bottom():
    net = make_net(input_layers(x=(2, 3)) + layer("Slice", "x", "a"))
    assert np.shares_memory(net.blobs["a"].data, net.blobs["x"].data)
    check_gradient(layer("Slice", "x", "a") + ' layer { name: "s" type: "Softmax" bottom: "a" top: "y" }',
                   {"x": normal(2, 3)})


def test_split_gradient_adds_all_readers():
    text = layer("Split", "x", "abc") + ' layer { name: "s" type: "Softmax" bottom: "b" top: "y" }'
    check_gradient(text, {"x": normal(4, 3)})


@pytest.mark.parametrize(("shape", "axis"), [((3, 5), 1), ((2, 4, 3), 1), ((2, 4, 3), -1), ((5, 2, 3), 0)])
def test_softmax_gradient(shape, axis):
    check_gradient(layer("Softmax", "x", "y", f"softmax_param {{ axis: {axis} }}"), {"x": normal(*shape)})


def test_softmax_in_place():
    net = make_net(input_layers(x=(2, 3)) + layer("Softmax", "x", "x"))
    net.blobs["x"].data[...] = [[0, 0, 0], [1000, -1000, 1000]]
    net.forward()
    np.testing.assert_allclose(net.blobs["x"].data, [[1 / 3] * 3, [0.5, 0, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("more", [
    "", "loss_param { ignore_label: 1 }", "loss_param { normalization: FULL ignore_label: 1 }",
    "loss_param { normalization: BATCH_SIZE }", "loss_param { normalization: NONE }", "loss_param { normalize: false }",
    "loss_weight: 2.5",
])
def test_softmax_loss_gradient(more):
    labels = RNG.integers(0, 3, size=(5, 2))
    assert 1 in labels
    check_gradient(layer("SoftmaxWithLoss", "xt", "y", more), {"x": normal(5, 3, 2), "t": labels}, fixed=("t",))


def test_softmax_loss_with_its_probabilities():
    net = make_net(input_layers(x=(2, 3), t=(2,)) + layer("SoftmaxWithLoss", "xt", ["loss", "p"]))
    net.blobs["x"].data[...] = [[0, 0, 0], [200, 0, -200]]
    net.blobs["t"].data[...] = [0, 2]
    loss = net.forward()
    assert net.outputs == ["loss", "p"]
    np.testing.assert_allclose(net.blobs["p"].data.sum(1), 1, rtol=1e-6)
    assert loss == pytest.approx((np.log(3) + 87.3365) / 2, rel=1e-5)  # the smallest normal float clamps


def test_every_label_ignored_is_no_loss():
    text = layer("SoftmaxWithLoss", "xt", "y", "loss_param { ignore_label: 4 }")
    net = make_net("force_backward: true " + input_layers(x=(2, 3), t=(2,)) + text)
    net.blobs["t"].data[...] = 4
    assert net.forward() == 0
    net.backward()
    assert not net.blobs["x"].diff.any()


@pytest.mark.parametrize("more", ["", "contrastive_loss_param { margin: 3 }",
                                  "contrastive_loss_param { legacy_version: true margin: 2 }"])
def test_contrastive_gradient(more):
    inputs = {"a": normal(7, 3), "b": normal(7, 3), "s": np.array([1, 0, 0, 1, 0, 1, 0])}
    distance = np.sqrt(((inputs["a"] - inputs["b"]) ** 2).sum(1))
    assert (np.abs(distance - 1) > 1e-3).all(), "too near the kink"
    # the gradient has 1e-4 added to the distance, which is not in the loss
    check_gradient(layer("ContrastiveLoss", "abs", "y", more), inputs, fixed=("s",), tolerance=1e-4)


def test_contrastive_by_hand():
    net = make_net(input_layers(a=(3, 2), b=(3, 2), s=(3,)) + layer("ContrastiveLoss", "abs", "y"))
    net.blobs["a"].data[...] = [[3, 4], [0.3, 0.4], [3, 4]]
    net.blobs["s"].data[...] = [1, 0, 0]
    assert net.forward() == pytest.approx((25 + 0.25 + 0) / 6)


def test_similarity_is_cut_to_a_whole_number():
    net = make_net(input_layers(a=(1, 2), b=(1, 2), s=(1,)) + layer("ContrastiveLoss", "abs", "y"))
    net.blobs["a"].data[...] = [[3, 4]]
    net.blobs["s"].data[...] = 0.9
    assert net.forward() == 0


def test_accuracy_of_ties():
    net = make_net(input_layers(x=(3, 2), t=(3,)) + layer("Accuracy", "xt", ["a", "each"]))
    net.blobs["x"].data[...] = [[1, 1], [2, 1], [0, 1]]
    net.blobs["t"].data[...] = [0, 0, 1]
    net.forward()
    assert float(net.blobs["a"].data) == pytest.approx(2 / 3)
    np.testing.assert_allclose(net.blobs["each"].data, [0.5, 1])


def test_input_shapes():
    net = make_net('layer { name: "i" type: "Input" top: "a" top: "b" input_param { shape { dim: 2 dim: 3 } } }')
    assert net.blobs["a"].shape == net.blobs["b"].shape == (2, 3)
    with pytest.raises(ParameterError, match="layer 'i'.*2 shapes for 3 tops"):
        make_net('layer { name: "i" type: "Input" top: "a" top: "b" top: "c" input_param { shape {} shape {} } }')


@pytest.mark.parametrize(("shapes", "text", "kind", "message"), [
    ({"x": (2, 5)}, layer("Slice", "x", "ab"), ShapeError, r"axis 1 of the bottom 'x' of shape \(2, 5\) cannot.*2 equal"),
    ({"x": (2, 5)}, layer("Slice", "x", "ab", "slice_param { slice_point: [1, 2] }"), ParameterError, "cut 3 pieces.*2 tops"),
    ({"x": (2, 5)}, layer("Slice", "x", "abc", "slice_param { slice_point: [3, 3] }"), ParameterError, r"\[3, 3\].*rise"),
    ({"x": (2, 5)}, layer("Slice", "x", "ab", "slice_param { slice_point: 5 }"), ParameterError, "rise from 1 to 4"),
    ({"x": (2, 5)}, layer("Slice", "x", "ab", "slice_param { axis: 1 slice_dim: 1 }"), ParameterError, "keep axis"),
    ({"x": (2, 5)}, layer("Slice", "x", "ab", "slice_param { axis: 2 }"), ParameterError, "axis 2 is out of range"),
    ({"x": (2, 5)}, layer("Split", "x", "x"), GraphError, "in place"),
    ({"x": (2, 5), "t": (3,)}, layer("SoftmaxWithLoss", "xt", "y"), ShapeError, r"'x' of shape \(2, 5\).*'t' of shape \(3,\)"),
    ({"x": (2, 5), "t": (2, 2)}, layer("SoftmaxWithLoss", "xt", "y"), ShapeError, "one label.*2 x 1.*has 4"),
    ({"x": (2, 5), "t": (4,)}, layer("Accuracy", "xt", "y"), ShapeError, "one label.*has 4"),
    ({"x": (2, 5), "t": (2,)}, layer("Accuracy", "xt", "y", "accuracy_param { top_k: 6 }"), ParameterError, "top_k 6.*5 classes"),
    ({"a": (2, 3), "b": (2, 4), "s": (2,)}, layer("ContrastiveLoss", "abs", "y"), ShapeError, r"\(2, 3\) and 'b' .*\(2, 4\)"),
    ({"a": (2, 3, 2), "b": (2, 3, 2), "s": (2,)}, layer("ContrastiveLoss", "abs", "y"), ShapeError, "pairs, channels"),
    ({"a": (2, 3), "b": (2, 3), "s": (2, 2)}, layer("ContrastiveLoss", "abs", "y"), ShapeError, "one value for each"),
    ({"a": (2, 3), "b": (3, 3), "s": (2,)}, layer("ContrastiveLoss", "abs", "y"), ShapeError, "first dimension"),
])
def test_what_cannot_be(shapes, text, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(\w+\): .*" + message):
        make_net(input_layers(**shapes) + text)


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "Accuracy"])
@pytest.mark.parametrize("label", [-1, 5])
def test_labels_out_of_range(kind, label):
    net = make_net(input_layers(x=(2, 5), t=(2,)) + layer(kind, "xt", "y"))
    net.blobs["t"].data[...] = [4, label]
    with pytest.raises(DataError, match=rf"label {label} at position 1 of 't' is not one of the 5 classes 0 to 4"):
        net.forward()


def test_no_gradient_for_labels():
    learned = 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "t" inner_product_param { num_output: 1 } } '
    net = make_net(input_layers(x=(2, 5)) + learned + layer("SoftmaxWithLoss", "xt", "y"))
    net.forward()
    with pytest.raises(CaffeError, match="cannot backpropagate to the labels 't'"):
        net.backward()
