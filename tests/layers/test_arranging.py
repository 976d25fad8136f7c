"""Concat, Crop, Tile, Flatten and Reshape: the same numbers elsewhere."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net
from support.text import layer

from caffe_lite.errors import GraphError, ParameterError, ShapeError

RNG = np.random.default_rng(13)
SHAPE = (2, 5, 4, 3)


def values(text, **inputs):
    net = make_net(input_layers(**{name: np.shape(array) for name, array in inputs.items()}) + text)
    for name, array in inputs.items():
        net.blobs[name].data[...] = array
    net.forward()
    return net.blobs["y"].data


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("tops", range(1, 7))
def test_split_adds_up_what_comes_back(tops):
    names = "abcdef"[:tops]
    net = make_net("force_backward: true " + input_layers(x=(3, 5, 7)) + layer("Split", "x", names, ""))
    parts = RNG.normal(size=(tops, 3, 5, 7)).astype(np.float32)
    net.blobs["x"].data[...] = parts[0]
    net.forward()
    expected = parts[0]
    for name, part in zip(names, parts, strict=True):
        np.testing.assert_array_equal(net.blobs[name].data, parts[0])
        net.blobs[name].diff[...] = part
        expected = expected + part if name > "a" else part
    net.backward()
    np.testing.assert_array_equal(net.blobs["x"].diff, expected)  # one after the other, as Caffe


@pytest.mark.parametrize(("fields", "axis"), [("", 1), ("axis: 0", 0), ("axis: -1", 2), ("concat_dim: 2", 2)])
def test_concat(fields, axis):
    inputs = {}
    for name, size in zip("abc", (2, 1, 4), strict=True):
        shape = [7, 3, 5]
        shape[axis] = size
        inputs[name] = normal(*shape)
    text = layer("Concat", "abc", "y", f"concat_param {{ {fields} }}")
    np.testing.assert_array_equal(values(text, **inputs), np.concatenate(list(inputs.values()), axis))
    check_gradient(text, inputs)


@pytest.mark.parametrize("top", "yx")
def test_concat_of_one_is_the_bottom(top):
    net = make_net(input_layers(x=(2, 3)) + layer("Concat", "x", top))
    assert np.shares_memory(net.blobs[top].data, net.blobs["x"].data)
    check_gradient(layer("Concat", "x", "h") + layer("TanH", "h", "y", name="t"), {"x": normal(2, 3)})


def test_concat_leaves_a_gradient_alone_that_nobody_wants():
    net = make_net("force_backward: true " + input_layers(a=(2, 3), b=(2, 4))
                   + layer("Concat", "ab", "y", "propagate_down: false propagate_down: true"))
    net.propagate_down[-1] = [False, True]
    net.forward()
    net.blobs["a"].diff[...] = 7
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert (net.blobs["a"].diff == 7).all()
    assert (net.blobs["b"].diff == 1).all()


@pytest.mark.parametrize(("fields", "wanted", "cut"), [
    ("", (9, 9, 2, 3), np.s_[:, :, :2, :]),
    ("offset: 1", (1, 1, 3, 2), np.s_[:, :, 1:4, 1:3]),
    ("axis: 1 offset: 2 offset: 0 offset: 1", (2, 3, 4, 1), np.s_[:, 2:5, :, 1:2]),
    ("axis: -1 offset: 1", (1, 1, 1, 2), np.s_[..., 1:3]),
    ("axis: 0 offset: 1", (1, 4, 3, 1), np.s_[1:, 1:, 1:, 1:2]),
])
def test_crop(fields, wanted, cut):
    x = normal(*SHAPE)
    text = layer("Crop", "xr", "y", f"crop_param {{ {fields} }}")
    np.testing.assert_array_equal(values(text, x=x, r=np.zeros(wanted)), x[cut])
    check_gradient(text, {"x": x, "r": np.zeros(wanted)})  # of the second bottom: 0


def test_crop_of_one_axis_and_a_large_one():
    assert values(layer("Crop", "xr", "y", "crop_param { axis: 0 offset: 2 }"), x=np.arange(7), r=np.zeros(3)).tolist() == [2, 3, 4]
    x = normal(3, 30, 40, 50)  # for several threads
    np.testing.assert_array_equal(
        values(layer("Crop", "xr", "y", "crop_param { offset: 3 offset: 5 }"), x=x, r=np.zeros((1, 1, 33, 44))), x[:, :, 3:36, 5:49])


@pytest.mark.parametrize(("fields", "axis"), [("", 1), ("axis: 0", 0), ("axis: -1", 2)])
def test_tile(fields, axis):
    x = normal(4, 2, 3)
    text = layer("Tile", "x", "y", f"tile_param {{ tiles: 3 {fields} }}")
    np.testing.assert_array_equal(values(text, x=x), np.concatenate([x] * 3, axis))
    check_gradient(text, {"x": x})


VIEWS = [("Flatten", "", (2, 60)), ("Flatten", "axis: 0", (120,)), ("Flatten", "axis: 2 end_axis: -2", (2, 5, 4, 3)),
         ("Flatten", "axis: -3 end_axis: 2", (2, 20, 3)), ("Flatten", "axis: 2 end_axis: 1", (2, 5, 1, 4, 3)),
         ("Reshape", "shape { dim: 0 dim: -1 }", (2, 60)), ("Reshape", "shape { dim: -1 }", (120,)),
         ("Reshape", "shape { dim: 6 dim: 0 dim: -1 }", (6, 5, 4)), ("Reshape", "axis: 1 num_axes: 2 shape { dim: -1 }", (2, 20, 3)),
         ("Reshape", "axis: -1 shape { dim: 1 }", (2, 5, 4, 3, 1)), ("Reshape", "axis: 2 num_axes: 0 shape { dim: 1 dim: 1 }", (2, 5, 1, 1, 4, 3)),
         ("Reshape", "axis: -3 num_axes: 1 shape { dim: 0 }", SHAPE), ("Reshape", "num_axes: 0", SHAPE)]


@pytest.mark.parametrize(("kind", "fields", "shape"), VIEWS)
def test_views(kind, fields, shape):
    text = layer(kind, "x", "h", f"{kind.lower()}_param {{ {fields} }}") + layer("TanH", "h", "y", name="t")
    net = make_net(input_layers(x=SHAPE) + text)
    assert net.blobs["h"].shape == shape
    assert np.shares_memory(net.blobs["h"].data, net.blobs["x"].data)
    assert np.shares_memory(net.blobs["h"].diff, net.blobs["x"].diff)
    x = normal(*SHAPE)
    np.testing.assert_allclose(values(text, x=x), np.tanh(x).reshape(shape), rtol=1e-6)
    check_gradient(text, {"x": x})


def test_views_of_a_new_shape():
    net = make_net(input_layers(x=(2, 3, 4)) + layer("Reshape", "x", "h", "reshape_param { shape { dim: 0 dim: 2 dim: -1 } }")
                   + layer("Flatten", "h", "y", name="f"))
    net.blobs["x"].reshape((50, 4, 3))
    net.blobs["x"].data[...] = 1.5
    net.forward()
    assert net.blobs["h"].shape == (50, 2, 6)
    assert net.blobs["y"].shape == (50, 12)
    assert (net.blobs["y"].data == 1.5).all()


@pytest.mark.parametrize(("text", "kind", "message"), [
    (layer("Concat", "xr", "y", "concat_param { axis: 0 concat_dim: 0 }"), ParameterError, "both axis and concat_dim"),
    (layer("Concat", "xr", "y", "concat_param { concat_dim: 4 }"), ParameterError, "axis 4 is out of range"),
    (layer("Concat", "xr", "y", "concat_param { axis: 2 }"), ShapeError, r"'r' of shape \(2, 5, 4, 1\).*\(2, 5, 4, 3\).*but axis 2"),
    (layer("Concat", "xv", "y"), ShapeError, r"'v' of shape \(3,\).*agree"),
    (layer("Concat", "xr", "x"), GraphError, "in place"),
    (layer("Crop", "xr", "y", "crop_param { axis: 4 }"), ParameterError, "axis 4 is out of range"),
    (layer("Crop", "xr", "y", "crop_param { axis: 1 offset: 0 offset: 0 }"), ParameterError, "2 offsets for 3 cropped axes"),
    (layer("Crop", "xr", "y", "crop_param { offset: 1 }"), ShapeError, r"axis 2: a crop of size 4 at offset 1 .* the 4 of 'x'"),
    (layer("Crop", "rx", "y"), ShapeError, "axis 3: a crop of size 3 at offset 0 reaches beyond the 1 of 'r'"),
    (layer("Crop", "xv", "y"), ShapeError, r"'v' of shape \(3,\) does not say how large"),
    (layer("Crop", "xr", "x"), GraphError, "in place"),
    (layer("Tile", "x", "y"), ParameterError, "tiles is 0: set tile_param"),
    (layer("Tile", "x", "y", "tile_param { tiles: 2 axis: -5 }"), ParameterError, "axis -5 is out of range"),
    (layer("Tile", "x", "x", "tile_param { tiles: 2 }"), GraphError, "in place"),
    (layer("Flatten", "x", "x"), GraphError, "in place"),
    (layer("Flatten", "x", "y", "flatten_param { axis: 3 end_axis: 1 }"), ParameterError, "end_axis 1 comes before axis 3"),
    (layer("Flatten", "x", "y", "flatten_param { end_axis: 4 }"), ParameterError, "end_axis 4 is out of range"),
    (layer("Reshape", "x", "x", "reshape_param { shape { dim: 0 } }"), GraphError, "in place"),
    (layer("Reshape", "x", "y", "reshape_param { shape { dim: -1 dim: -1 } }"), ParameterError, "at most one -1"),
    (layer("Reshape", "x", "y", "reshape_param { shape { dim: -2 } }"), ParameterError, r"shape \[-2\]"),
    (layer("Reshape", "x", "y", "reshape_param { shape { dim: 7 dim: -1 } }"), ShapeError, "120 elements of bottom 'x'.*among the 7"),
    (layer("Reshape", "x", "y", "reshape_param { shape { dim: 7 } }"), ShapeError, r"has 120 elements, the shape \(7,\) has 7"),
    (layer("Reshape", "x", "y", "reshape_param { axis: 3 shape { dim: 3 dim: 0 } }"), ParameterError, "0 at place 1.*no axis 4"),
    (layer("Reshape", "x", "y", "reshape_param { axis: 5 }"), ParameterError, "axis 5 and num_axes -1 do not fit the 4 axes"),
    (layer("Reshape", "x", "y", "reshape_param { axis: -6 }"), ParameterError, "axis -6"),
    (layer("Reshape", "x", "y", "reshape_param { axis: 2 num_axes: 3 }"), ParameterError, "num_axes 3 do not fit"),
    (layer("Reshape", "x", "y", "reshape_param { num_axes: -2 }"), ParameterError, "num_axes -2 do not fit"),
])
def test_what_cannot_be(text, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(\w+\): .*" + message):
        make_net(input_layers(x=SHAPE, r=(2, 5, 4, 1), v=(3,)) + text)
