"""Scale and Bias: every way to cover axes, learned and given, in place and not."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net
from support.text import layer

from caffe_lite.errors import ParameterError, ShapeError

RNG = np.random.default_rng(12)
SHAPE = (2, 5, 4, 3)
LEARNED = [("", (5,)), ("axis: 0", (2,)), ("axis: -1", (3,)), ("axis: 1 num_axes: 2", (5, 4)), ("num_axes: 0", ()),
           ("axis: 2 num_axes: -1", (4, 3)), ("axis: 0 num_axes: -1", SHAPE)]
GIVEN = [("", (5,)), ("axis: 0", (2, 5)), ("axis: -2", (4, 3)), ("axis: 2", ()), ("axis: 0", SHAPE)]
KINDS = [("Scale", ""), ("Scale", "bias_term: true"), ("Bias", "")]


def text(kind, fields, more, bottoms="x", top="y"):
    return layer(kind, bottoms, top, f"{kind.lower()}_param {{ {fields} {more} }}")


def spread(operand, fields):
    """The operand with axes of size 1 where it is repeated."""
    axis = int(fields.split("axis: ")[1].split()[0]) if fields.startswith("axis") else 1
    after = 0 if operand.ndim == 0 else len(SHAPE) - axis % len(SHAPE) - operand.ndim
    return operand.reshape(operand.shape + (1,) * after)


@pytest.mark.parametrize(("kind", "more"), KINDS)
@pytest.mark.parametrize(("fields", "shape"), LEARNED)
def test_learned(kind, more, fields, shape):
    net = make_net(input_layers(x=SHAPE) + text(kind, fields, more))
    blobs = net.layers[1].blobs
    assert [blob.shape for blob in blobs] == [shape] * (2 if more else 1)
    x = net.blobs["x"].data
    x[...] = RNG.normal(size=SHAPE)
    assert (blobs[0].data == (kind == "Scale")).all()  # by default the identity
    for blob in blobs:
        blob.data[...] = RNG.normal(size=shape)
    net.forward()
    first, last = spread(blobs[0].data, fields), spread(blobs[-1].data, fields)
    expected = x + first if kind == "Bias" else x * first + (last if more else 0)
    np.testing.assert_allclose(net.blobs["y"].data, expected, rtol=1e-6, atol=1e-6)
    check_gradient(text(kind, fields, more), {"x": RNG.normal(size=SHAPE)})


@pytest.mark.parametrize(("kind", "more"), KINDS)
@pytest.mark.parametrize(("fields", "shape"), GIVEN)
def test_given(kind, more, fields, shape):
    net = make_net(input_layers(x=SHAPE, s=shape) + text(kind, fields, more, "xs"))
    assert [blob.shape for blob in net.layers[2].blobs] == ([shape] if more else [])
    x, s = net.blobs["x"].data, net.blobs["s"].data
    x[...], s[...] = RNG.normal(size=SHAPE), RNG.normal(size=shape)
    net.forward()
    expected = x + spread(s, fields) if kind == "Bias" else x * spread(s, fields)
    np.testing.assert_allclose(net.blobs["y"].data, expected, rtol=1e-6, atol=1e-6)
    check_gradient(text(kind, fields, more, "xs"), {"x": RNG.normal(size=SHAPE), "s": RNG.normal(size=shape)})


@pytest.mark.parametrize(("kind", "more"), KINDS)
@pytest.mark.parametrize("bottoms", ["x", "xs"])
@pytest.mark.parametrize("sizes", [(3, 5, 2), (41, 17, 200)])  # the second for several threads, cut within an item
def test_in_place_equals_out_of_place(kind, more, bottoms, sizes):
    x, s, w, dy = (RNG.normal(size=shape).astype(np.float32) for shape in (sizes, sizes[1:2], sizes[1:2], sizes))
    found = []
    for top in "yx":
        net = make_net("force_backward: true " + input_layers(x=sizes, s=sizes[1:2]) + text(kind, "", more, bottoms, top))
        net.blobs["x"].data[...], net.blobs["s"].data[...] = x, s
        for blob in net.layers[2].blobs:
            blob.data[...] = w
        net.forward()
        y = net.blobs[top].data.copy()
        net.blobs[top].diff[...] = dy
        net.backward()
        gradients = [net.blobs[b].diff for b in bottoms] + [blob.diff for blob in net.layers[2].blobs]
        found.append([y, *gradients])
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
    first = (s if len(bottoms) > 1 else w)[:, None]
    expected = x + first if kind == "Bias" else x * first + (w[:, None] if more else 0)
    np.testing.assert_allclose(found[0][0], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[0][1], dy * (1 if kind == "Bias" else first), rtol=1e-6)


def test_gradients_add_to_a_parameter_and_replace_a_bottoms():
    net = make_net("force_backward: true " + input_layers(x=(2, 3), s=(3,)) + text("Scale", "", "bias_term: true", "xs"))
    net.blobs["x"].data[...] = [[1, 2, 3], [4, 5, 6]]
    net.forward()
    for _ in range(2):
        net.blobs["y"].diff[...] = 1
        net.backward()
    assert net.blobs["s"].diff.tolist() == [5, 7, 9]
    assert net.layers[2].blobs[0].diff.tolist() == [4, 4, 4]


def test_only_what_learns_gets_a_gradient():
    net = make_net(input_layers(x=(2, 3)) + layer(
        "Scale", "x", "y", "scale_param { bias_term: true } param { lr_mult: 0 } param { lr_mult: 1 } loss_weight: 1"))
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    scale, bias = net.layers[1].blobs
    assert not scale.diff.any()
    assert bias.diff.tolist() == [2, 2, 2]


def test_a_long_sum_keeps_its_digits():
    net = make_net("force_backward: true " + input_layers(x=(40000, 3)) + text("Scale", "", "bias_term: true"))
    x, dy = net.blobs["x"].data, net.blobs["y"].diff
    x[...], dy[...] = RNG.uniform(1, 2, size=(2, 40000, 3))
    net.forward()
    net.backward()
    scale, bias = net.layers[1].blobs
    np.testing.assert_allclose(scale.diff, (x.astype(np.float64) * dy).sum(0), rtol=1e-6)
    np.testing.assert_allclose(bias.diff, dy.sum(0, dtype=np.float64), rtol=1e-6)


@pytest.mark.parametrize("kind", ["Scale", "Bias"])
@pytest.mark.parametrize(("fields", "bottoms", "error", "message"), [
    ("axis: 4", "x", ParameterError, "axis 4 is out of range"),
    ("num_axes: -2", "x", ParameterError, "num_axes -2 must be at least 0, or -1"),
    ("axis: 3 num_axes: 2", "x", ParameterError, r"2 axes from axis 3 on are more than the bottom 'x' of shape \(2, 5, 4, 3\)"),
    ("axis: 2", "xs", ShapeError, r"'s' of shape \(5,\) does not fit bottom 'x' of shape \(2, 5, 4, 3\) from axis 2 on"),
    ("filler { type: 'no' }", "x", ParameterError, "parameter 0 of shape .5,.: unknown filler"),
])
def test_what_cannot_be(kind, fields, bottoms, error, message):
    with pytest.raises(error, match=rf"layer 'l' \({kind}\): .*" + message):
        make_net(input_layers(x=SHAPE, s=(5,)) + text(kind, fields, "", bottoms))


@pytest.mark.parametrize("kind", ["Scale", "Bias"])
def test_the_parameter_keeps_its_shape(kind):
    net = make_net(input_layers(x=(2, 5)) + text(kind, "", ""))
    net.blobs["x"].reshape((2, 6))
    with pytest.raises(ShapeError, match=r"the parameter of shape \(5,\) does not fit bottom 'x' of shape \(2, 6\)"):
        net.forward()


def test_the_bias_keeps_its_shape():
    net = make_net(input_layers(x=(2, 5), s=(5,)) + text("Scale", "", "bias_term: true", "xs"))
    net.blobs["x"].reshape((2, 6))
    net.blobs["s"].reshape((6,))
    with pytest.raises(ShapeError, match=r"the bias was made of shape \(5,\), bottom 's' now has the shape \(6,\)"):
        net.forward()
