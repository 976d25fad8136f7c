"""EuclideanLoss, HingeLoss, InfogainLoss, MultinomialLogisticLoss, SigmoidCrossEntropyLoss: gradients, corners and
complaints."""

import numpy as np
import pytest
from support import text
from support.layers import check_gradient, input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import CaffeError, DataError, ParameterError, SchemaError, ShapeError

RNG = np.random.default_rng(12)


def layer(kind, bottoms, more="", tops="y"):
    return text.layer(kind, bottoms, tops, more)


def normal(*shape):
    return RNG.normal(size=shape)


@pytest.mark.parametrize("more", ["", "loss_weight: 2.5"])
def test_euclidean_gradient(more):
    check_gradient(layer("EuclideanLoss", "ab", more), {"a": normal(5, 3, 2), "b": normal(5, 6)})


@pytest.mark.parametrize("norm", ["L1", "L2"])
def test_hinge_gradient(norm):
    x = normal(5, 3, 2) * 2
    x[np.abs(np.abs(x) - 1) < 0.01] = 0.5  # away from the kinks
    check_gradient(layer("HingeLoss", "xt", f"hinge_loss_param {{ norm: {norm} }} loss_weight: 3"),
                   {"x": x, "t": RNG.integers(0, 6, 5)}, fixed=("t",))


def test_hinge_by_hand():
    net = make_net(input_layers(x=(2, 3), t=(2,)) + layer("HingeLoss", "xt"))
    net.blobs["x"].data[...] = [[0.25, -2, 0.5], [3, 0, 2]]
    net.blobs["t"].data[...] = [0, 2]
    assert net.forward() == ((0.75 + 0 + 1.5) + (4 + 1 + 0)) / 2


def test_multinomial_logistic_gradient():
    check_gradient(layer("MultinomialLogisticLoss", "xt", "loss_weight: 2"),
                   {"x": RNG.random((5, 3, 2)) + 0.1, "t": RNG.integers(0, 6, (5, 1, 1, 1))}, fixed=("t",))


def test_multinomial_logistic_of_an_impossible_label():
    net = make_net("force_backward: true " + input_layers(x=(1, 2), t=(1,)) + layer("MultinomialLogisticLoss", "xt"))
    net.blobs["x"].data[...] = [[0, 1]]
    assert net.forward() == pytest.approx(20 * np.log(10))
    net.backward()
    np.testing.assert_allclose(net.blobs["x"].diff, [[-1e20, 0]], rtol=1e-5)


@pytest.mark.parametrize("more", [
    "", "loss_param { ignore_label: 1 }", "loss_param { normalization: FULL ignore_label: 1 }",
    "loss_param { normalization: NONE } loss_weight: 2", "loss_param { normalization: BATCH_SIZE }",
    "infogain_loss_param { axis: -2 }",
])
def test_infogain_gradient(more):
    labels = np.array([0, 1, 3, 1, 2, 0, 3, 3, 1, 2])
    check_gradient(layer("InfogainLoss", "xth", more), {"x": normal(5, 4, 2), "t": labels.reshape(5, 2),
                                                        "h": RNG.random((4, 4))}, fixed=("t", "h"))


def test_infogain_from_a_file(tmp_path):
    matrix, labels, x = RNG.random((1, 1, 3, 3)), [2, 0], normal(2, 3)
    schema.write_binary(tmp_path / "h.binaryproto", schema.array_to_blob(matrix))
    source = f'infogain_loss_param {{ source: "{tmp_path}/h.binaryproto" }}'
    check_gradient(layer("InfogainLoss", "xt", source), {"x": x, "t": np.array(labels)}, fixed=("t",))
    net = make_net(input_layers(x=(2, 3), t=(2,)) + layer("InfogainLoss", "xt", source, "yp"))
    net.blobs["x"].data[...], net.blobs["t"].data[...] = x, labels
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    expected = -sum(matrix[0, 0, label] @ np.log(row) for label, row in zip(labels, p, strict=True)) / 2
    assert net.forward() == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(net.blobs["p"].data, p, rtol=1e-5)


@pytest.mark.parametrize("more", [
    "", "loss_param { normalize: true ignore_label: 1 }", "loss_param { normalize: false ignore_label: 1 }",
    "loss_param { normalization: FULL ignore_label: 1 }", "loss_param { normalization: NONE } loss_weight: 2",
])
def test_sigmoid_cross_entropy_gradient(more):
    targets = RNG.random((5, 6))
    targets[[0, 2, 2], [1, 5, 0]] = 1
    check_gradient(layer("SigmoidCrossEntropyLoss", "xt", more), {"x": normal(5, 3, 2) * 2, "t": targets}, fixed=("t",))


def test_sigmoid_cross_entropy_of_the_certain():
    net = make_net("force_backward: true " + input_layers(x=(2, 2), t=(2, 2)) + layer("SigmoidCrossEntropyLoss", "xt"))
    net.blobs["x"].data[...] = [[1000, -1000], [1000, 0]]
    net.blobs["t"].data[...] = [[1, 0], [0, 0.5]]
    assert net.forward() == pytest.approx((1000 + np.log(2)) / 2)
    net.backward()
    assert net.blobs["x"].diff.tolist() == [[0, 0], [0.5, 0]]


def test_every_target_ignored_is_no_loss():
    net = make_net("force_backward: true " + input_layers(x=(2, 3), t=(2, 3)) + layer(
        "SigmoidCrossEntropyLoss", "xt", "loss_param { ignore_label: 4 normalization: VALID }"))
    net.blobs["t"].data[...] = 4
    assert net.forward() == 0
    net.backward()
    assert not net.blobs["x"].diff.any()


@pytest.mark.parametrize("kind", ["EuclideanLoss", "HingeLoss", "MultinomialLogisticLoss", "InfogainLoss",
                                  "SigmoidCrossEntropyLoss"])
def test_no_samples_are_no_loss(kind):
    names = "xth" if kind == "InfogainLoss" else "xt"
    shapes = {"x": (2, 3), "t": (2, 3) if kind in ("EuclideanLoss", "SigmoidCrossEntropyLoss") else (2,), "h": (3, 3)}
    net = make_net("force_backward: true " + input_layers(**{name: shapes[name] for name in names}) + layer(kind, names))
    for name in "xt":
        net.blobs[name].reshape((0, *shapes[name][1:]))
    assert net.forward() == 0
    net.backward()


@pytest.mark.parametrize(("kind", "shapes", "more", "error", "message"), [
    ("EuclideanLoss", [(3, 4), (3, 5)], "", ShapeError, r"\(3, 4\) and 'b' of shape \(3, 5\).*same number"),
    ("EuclideanLoss", [(3, 4), (4, 3)], "", ShapeError, "first dimension"),
    ("HingeLoss", [(3, 4), (3, 2)], "", ShapeError, "one label.*3 x 1.*has 6"),
    ("MultinomialLogisticLoss", [(3, 4), (3, 4)], "", ShapeError, "one label.*has 12"),
    ("InfogainLoss", [(3, 4), (3, 2), (4, 4)], "", ShapeError, "one label.*has 6"),
    ("InfogainLoss", [(3, 4), (3,), (4, 3)], "", ShapeError, r"must be 4 x 4 for the 4 classes.*\(4, 3\)"),
    ("InfogainLoss", [(3, 4), (3,)], "", ParameterError, "no infogain matrix.*source"),
    ("InfogainLoss", [(3, 4), (3,), (4, 4)], "loss_param { normalize: true }", ParameterError, "give normalization"),
    ("SigmoidCrossEntropyLoss", [(3, 4), (3, 5)], "", ShapeError, r"\(3, 4\).*'b' of shape \(3, 5\).*same number"),
])
def test_what_cannot_be(kind, shapes, more, error, message):
    names = "abc"[:len(shapes)]
    with pytest.raises(error, match=rf"layer 'l' \({kind}\): .*{message}"):
        make_net(input_layers(**dict(zip(names, shapes, strict=True))) + layer(kind, names, more))


def test_a_matrix_file_that_is_not_there():
    with pytest.raises(SchemaError, match="nowhere.binaryproto: there is no such file"):
        make_net(input_layers(x=(2, 3), t=(2,))
                 + layer("InfogainLoss", "xt", 'infogain_loss_param { source: "nowhere.binaryproto" }'))


@pytest.mark.parametrize("kind", ["HingeLoss", "MultinomialLogisticLoss", "InfogainLoss"])
@pytest.mark.parametrize("label", [-1, 5])
def test_labels_out_of_range(kind, label):
    more = "xth" if kind == "InfogainLoss" else "xt"
    net = make_net(input_layers(x=(2, 5), t=(2,), h=(5, 5)) + layer(kind, more))
    net.blobs["t"].data[...] = [4, label]
    with pytest.raises(DataError, match=rf"label {label} at position 1 of 't' is not one of the 5 classes 0 to 4"):
        net.forward()


@pytest.mark.parametrize(("kind", "index"), [("HingeLoss", 1), ("MultinomialLogisticLoss", 1), ("InfogainLoss", 1),
                                             ("InfogainLoss", 2), ("SigmoidCrossEntropyLoss", 1)])
def test_no_gradient_for_labels(kind, index):
    names = "xth"[:2 + (kind == "InfogainLoss")]
    shapes = {"x": (2, 2), "t": (2, 2) if kind == "SigmoidCrossEntropyLoss" else (2,), "h": (2, 2)}
    learned = names[:index] + "z" + names[index + 1:]
    scale = text.layer("Scale", names[index], "z", "scale_param { axis: 0 }", name="p")
    net = make_net(input_layers(**shapes) + scale + layer(kind, learned))
    net.forward()
    with pytest.raises(CaffeError, match="cannot backpropagate to the labels 'z'"):
        net.backward()
