"""Eltwise, Reduction, Silence and Parameter."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net
from support.text import layer

from caffe_lite import schema
from caffe_lite.errors import GraphError, ParameterError, ShapeError

RNG = np.random.default_rng(15)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize(("fields", "combine"), [
    ("", sum),
    ("operation: SUM coeff: -0.5 coeff: 2 coeff: 1 coeff: 3", lambda xs: sum(c * x for c, x in zip([-0.5, 2, 1, 3], xs, strict=False))),
    ("operation: PROD", lambda xs: np.prod(xs, axis=0)),
    ("operation: PROD stable_prod_grad: false", lambda xs: np.prod(xs, axis=0)),
    ("operation: MAX", lambda xs: np.max(xs, axis=0)),
])
def test_eltwise(count, fields, combine):
    words = fields.split(" coeff")
    fields = " coeff".join(words[: count + 1])
    inputs = {name: normal(40, 50, 60) for name in "abcd"[:count]}  # enough for several threads
    net = make_net(input_layers(**{name: x.shape for name, x in inputs.items()})
                   + layer("Eltwise", inputs, "y", f"eltwise_param {{ {fields} }}"))
    for name, x in inputs.items():
        net.blobs[name].data[...] = x
    net.forward()
    np.testing.assert_allclose(net.blobs["y"].data, combine(list(inputs.values())), rtol=1e-5, atol=1e-5)
    inputs = {name: x[:2, :3, :5] for name, x in inputs.items()}
    check_gradient(layer("Eltwise", inputs, "y", f"eltwise_param {{ {fields} }}"), inputs)


def test_of_equal_maxima():
    net = make_net("force_backward: true " + input_layers(a=(4,), b=(4,), c=(4,))
                   + layer("Eltwise", "abc", "y", "eltwise_param { operation: MAX }"))
    for name, x in zip("abc", ([1, 2, 1, 0], [1, 2, 0, 0], [1, 3, 1, -1]), strict=True):
        net.blobs[name].data[...] = x
    net.forward()
    net.blobs["y"].diff[...] = 5
    net.backward()
    assert [net.blobs[name].diff.tolist() for name in "abc"] == [[0, 0, 5, 0], [5, 0, 0, 5], [0, 5, 0, 0]]


def test_a_product_with_zeros_has_a_gradient():
    net = make_net("force_backward: true " + input_layers(a=(3,), b=(3,)) + layer("Eltwise", "ab", "y", "eltwise_param { operation: PROD }"))
    net.blobs["a"].data[...], net.blobs["b"].data[...] = [0, 2, 0], [3, 0, 0]
    net.forward()
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert net.blobs["a"].diff.tolist() == [3, 0, 0]
    assert net.blobs["b"].diff.tolist() == [0, 2, 0]


@pytest.mark.parametrize(("operation", "reduce"), [
    ("SUM", np.sum), ("MEAN", np.mean), ("ASUM", lambda x, axis: np.abs(x).sum(axis)), ("SUMSQ", lambda x, axis: (x * x).sum(axis))])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_reduction(operation, reduce, axis):
    x = normal(3, 400, 50)  # enough for several threads
    text = layer("Reduction", "x", "y", f"reduction_param {{ operation: {operation} axis: {axis} coeff: 0.5 }}")
    net = make_net(input_layers(x=x.shape) + text)
    net.blobs["x"].data[...] = x
    net.forward()
    assert net.blobs["y"].shape == x.shape[:axis]
    expected = 0.5 * reduce(x.astype(np.float64), axis=tuple(range(axis % 3, 3)))
    np.testing.assert_allclose(net.blobs["y"].data, expected, rtol=1e-5, atol=1e-5)
    check_gradient(text, {"x": x[:, :4, :2]})


def test_reduction_of_what_is_zero():
    net = make_net("force_backward: true " + input_layers(x=(4,)) + layer("Reduction", "x", "y", "reduction_param { operation: ASUM }"))
    net.blobs["x"].data[...] = [-1, 0, 2, np.float32(-0.0)]
    net.forward()
    net.blobs["y"].diff[...] = 3
    net.backward()
    assert float(net.blobs["y"].data) == 3
    assert net.blobs["x"].diff.tolist() == [-3, 0, 3, 0]


def test_a_long_sum_keeps_its_digits():
    net = make_net(input_layers(x=(1 << 21,)) + layer("Reduction", "x", "y"))
    net.blobs["x"].data[...] = 0.1
    net.forward()
    assert float(net.blobs["y"].data) == pytest.approx(np.float32(0.1) * (1 << 21), rel=1e-5)


def test_a_reduction_may_be_a_loss():
    net = make_net("force_backward: true " + input_layers(x=(2, 3)) + layer("Reduction", "x", "y", "loss_weight: 2 reduction_param { operation: MEAN }"))
    net.blobs["x"].data[...] = 3
    assert net.forward() == 6
    net.backward()
    np.testing.assert_allclose(net.blobs["x"].diff, 1 / 3, rtol=1e-6)


def test_silence():
    net = make_net("force_backward: true " + input_layers(x=(2, 3), z=(4,)) + layer("Silence", "xz", ""))
    assert net.outputs == []
    net.blobs["x"].diff[...] = 7
    net.blobs["z"].diff[...] = 7
    assert net.forward() == 0
    net.backward()
    assert not net.blobs["x"].diff.any()
    assert not net.blobs["z"].diff.any()


PARAMETER = layer("Parameter", "", "p", 'parameter_param { shape { dim: 2 dim: 3 } } param { name: "w" }', name="p")


def test_parameter():
    check_gradient(layer("Parameter", "", "p", "parameter_param { shape { dim: 2 dim: 3 } }", name="p")
                   + layer("Eltwise", "xp", "y", "eltwise_param { operation: PROD }"), {"x": normal(2, 3)})


def test_a_parameter_is_zero_at_first_and_shared_by_name():
    text = PARAMETER + layer("Parameter", "", "q", 'parameter_param { shape { dim: 2 dim: 3 } } param { name: "w" }', name="q")
    net = make_net(text + layer("Flatten", "p", "f", name="f") + layer("Flatten", "q", "g", name="g")
                   + layer("Eltwise", "fg", "y", "eltwise_param { coeff: 1 coeff: 10 } loss_weight: 1"))
    net.forward()
    assert not net.blobs["y"].data.any()
    (only,) = net.params.learnable
    only.blob.data[...] = [[1, 2, 3], [4, 5, 6]]
    assert net.forward() == 11 * 21
    net.backward()
    assert (only.blob.diff == 11).all()  # the sum of both uses
    net.backward()
    assert (only.blob.diff == 22).all()  # and of two passes, as iter_size needs it


def test_a_parameter_of_another_net():
    text = PARAMETER + layer("Flatten", "p", "y", name="f")
    train, test = make_net(text), make_net(text, phase=schema.TEST)
    test.share_trained_layers_with(train)
    train.params.learnable[0].blob.data[...] = 5
    test.forward()
    assert test.blobs["y"].data.tolist() == [[5, 5, 5]] * 2


@pytest.mark.parametrize(("text", "kind", "message"), [
    (layer("Eltwise", "x", "y"), GraphError, "takes at least 2 bottom"),
    (layer("Eltwise", "xz", "y"), ShapeError, r"'z' of shape \(4,\) and 'x' of shape \(2, 3\) must have one shape"),
    (layer("Eltwise", "xw", "y", "eltwise_param { coeff: 1 }"), ParameterError, "1 coeff for 2 bottoms"),
    (layer("Eltwise", "xw", "y", "eltwise_param { operation: PROD coeff: 1 coeff: 1 }"), ParameterError, "coeff is for operation: SUM"),
    (layer("Eltwise", "xw", "x"), GraphError, "in place"),
    (layer("Reduction", "x", "y", "reduction_param { axis: 2 }"), ParameterError, "axis 2 is out of range"),
    (layer("Reduction", "x", "x"), GraphError, "in place"),
    (layer("Silence", "", ""), GraphError, "takes at least 1 bottom"),
    (layer("Silence", "x", "y"), GraphError, "takes exactly 0 top"),
    (layer("Parameter", "x", "y"), GraphError, "takes exactly 0 bottom"),
])
def test_what_cannot_be(text, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(\w+\): .*" + message):
        make_net(input_layers(x=(2, 3), w=(2, 3), z=(4,)) + text)
