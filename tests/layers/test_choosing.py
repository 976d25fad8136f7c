"""ArgMax, BatchReindex, Embed and Filter: items chosen by number or by value."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net
from support.text import layer

from caffe_lite.errors import DataError, GraphError, ParameterError, ShapeError

RNG = np.random.default_rng(14)


def run(text, **inputs):
    net = make_net(input_layers(**{name: np.shape(array) for name, array in inputs.items()}) + text)
    for name, array in inputs.items():
        net.blobs[name].data[...] = array
    net.forward()
    return net


# what Caffe answers: of equal values the last comes first
def test_argmax_of_ties():
    net = run(layer("ArgMax", "x", "y", "argmax_param { top_k: 3 out_max_val: true }"), x=[[1, 3, 3, 2, 3], [0, 0, 0, 0, 0]])
    assert net.blobs["y"].data.tolist() == [[[4, 2, 1], [3, 3, 3]], [[4, 3, 2], [0, 0, 0]]]


def ordered(x, axis):
    """Indices by falling value along an axis, equal values by falling index."""
    return x.shape[axis] - 1 - np.argsort(-np.flip(x, axis), axis, kind="stable")


@pytest.mark.parametrize(("fields", "axis", "top_k"), [("axis: 0", 0, 1), ("axis: 1 top_k: 4", 1, 4), ("axis: -1 top_k: 2", 2, 2)])
@pytest.mark.parametrize("values", [False, True])
def test_argmax_along_an_axis(fields, axis, top_k, values):
    x = RNG.integers(-3, 4, size=(3, 40, 50))  # many ties, and enough for several threads
    net = run(layer("ArgMax", "x", "y", f"argmax_param {{ {fields} out_max_val: {str(values).lower()} }}"), x=x)
    index = np.take(ordered(x, axis), range(top_k), axis)
    np.testing.assert_array_equal(net.blobs["y"].data, np.take_along_axis(x, index, axis) if values else index)


@pytest.mark.parametrize(("shape", "top_shape"), [((4, 5), (4, 1, 3)), ((4, 3, 2), (4, 1, 3)), ((4, 3, 2, 5), (4, 1, 3, 1))])
@pytest.mark.parametrize("values", [False, True])
def test_argmax_of_whole_items(shape, top_shape, values):
    x = RNG.integers(-9, 9, size=shape)
    net = run(layer("ArgMax", "x", "y", f"argmax_param {{ top_k: 3 out_max_val: {str(values).lower()} }}"), x=x)
    y, flat = net.blobs["y"].data, x.reshape(4, -1)
    index = ordered(flat, 1)[:, :3]
    assert y.shape == (4, 2 if values else 1, *top_shape[2:])
    np.testing.assert_array_equal(y.reshape(4, -1, 3)[:, 0], index)
    if values:
        np.testing.assert_array_equal(y.reshape(4, -1, 3)[:, 1], np.take_along_axis(flat, index, 1))


def test_argmax_has_no_gradient():
    ip = layer("InnerProduct", "x", "h", "inner_product_param { num_output: 3 }", name="ip")
    net = make_net(input_layers(x=(2, 4)) + ip + layer("ArgMax", "h", "y", "loss_weight: 1"))
    net.forward()
    with pytest.raises(ParameterError, match=r"layer 'l' \(ArgMax\): has no gradient"):
        net.backward()


def test_batch_reindex():
    x, index = RNG.normal(size=(5, 3, 2)), [4, 0, 0, 3, 3, 3, 4]
    text = layer("BatchReindex", "xi", "y")
    np.testing.assert_array_equal(run(text, x=x, i=index).blobs["y"].data, x[index].astype(np.float32))
    check_gradient(text, {"x": x, "i": np.array(index)}, fixed=("i",))


@pytest.mark.parametrize("bias", ["true", "false"])
def test_embed(bias):
    index = np.array([[0, 4, 2], [2, 2, 1]])
    text = layer("Embed", "i", "y", f"embed_param {{ num_output: 3 input_dim: 5 bias_term: {bias} }}")
    net = make_net(input_layers(i=index.shape) + text)
    blobs = net.layers[1].blobs
    assert [blob.shape for blob in blobs] == [(5, 3), (3,)][: len(blobs)]
    for blob in blobs:
        blob.data[...] = RNG.normal(size=blob.shape)
    net.blobs["i"].data[...] = index
    net.forward()
    expected = blobs[0].data[index] + (blobs[1].data if bias == "true" else 0)
    np.testing.assert_allclose(net.blobs["y"].data, expected, rtol=1e-6)
    check_gradient(text, {"i": index}, fixed=("i",))


def test_embed_adds_up_what_many_indices_learn():
    net = make_net(input_layers(i=(3000,)) + layer("Embed", "i", "y", "embed_param { num_output: 40 input_dim: 7 } loss_weight: 1"))
    index = RNG.integers(0, 7, size=3000)
    net.blobs["i"].data[...] = index
    net.forward()
    net.backward()
    net.backward()
    table, bias = net.layers[1].blobs
    np.testing.assert_array_equal(table.diff, 2 * np.bincount(index, minlength=7)[:, None] * np.ones(40))
    np.testing.assert_array_equal(bias.diff, np.full(40, 6000))


SCALED = layer("Scale", "x", "h", "scale_param { filler { value: 2 } }", name="pre")


@pytest.mark.parametrize("selector", [[1, 0, 0, 2, -1], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
@pytest.mark.parametrize("shape", [(5,), (5, 1, 1)])
def test_filter(selector, shape):
    x, z, chosen = RNG.normal(size=(5, 3, 2)), RNG.normal(size=(5, 4)), np.array(selector) != 0
    net = run("force_backward: true " + layer("Filter", "xzs", "fg"), x=x, z=z, s=np.reshape(selector, shape))
    for name, values in (("f", x), ("g", z)):
        np.testing.assert_array_equal(net.blobs[name].data, values[chosen].astype(np.float32))
        net.blobs[name].diff[...] = 2 * net.blobs[name].data
        net.blobs[{"f": "x", "g": "z"}[name]].diff[...] = 99
    net.backward()
    for name, values in (("x", x), ("z", z)):
        expected = np.where(chosen.reshape(5, *[1] * (values.ndim - 1)), 2 * values.astype(np.float32), 0)
        np.testing.assert_array_equal(net.blobs[name].diff, expected)


def test_filter_gradient():
    text = layer("Filter", "xs", "f") + layer("TanH", "f", "y", name="t")
    check_gradient(text, {"x": RNG.normal(size=(5, 3, 2)), "s": np.array([0, 1, 1, 0, 1])}, fixed=("s",))


def test_what_is_above_a_filter_follows_its_shape():
    net = run("force_backward: true " + SCALED + layer("Filter", "hs", "f") + layer("Flatten", "f", "g", name="flat")
              + layer("TanH", "g", "g", name="t") + layer("Reduction", "g", "y", "reduction_param { axis: 1 }", name="sum"),
              x=np.ones((5, 3, 2)), s=[1, 0, 1, 1, 0])
    assert net.blobs["y"].shape == (3,)
    for selector in ([0, 0, 0, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0]):
        net.blobs["s"].data[...] = selector
        net.forward()
        net.blobs["y"].diff[...] = 1
        net.backward()
        assert net.blobs["y"].data.tolist() == pytest.approx([6 * np.tanh(2)] * sum(selector))
        assert (net.blobs["h"].diff != 0).all((1, 2)).tolist() == [s == 1 for s in selector]


@pytest.mark.parametrize(("text", "kind", "message"), [
    (layer("ArgMax", "x", "y", "argmax_param { top_k: 0 }"), ParameterError, "top_k 0 is not 1 to 6"),
    (layer("ArgMax", "x", "y", "argmax_param { top_k: 7 }"), ParameterError, "top_k 7 is not 1 to 6"),
    (layer("ArgMax", "x", "y", "argmax_param { axis: 1 top_k: 4 }"), ParameterError, "top_k 4 is not 1 to 3"),
    (layer("ArgMax", "x", "y", "argmax_param { axis: 3 }"), ParameterError, "axis 3 is out of range"),
    (layer("ArgMax", "o", "y"), ShapeError, "'o' is a scalar"),
    (layer("ArgMax", "x", "x"), GraphError, "in place"),
    (layer("BatchReindex", "xx", "y"), ShapeError, r"the indices 'x.*' of shape \(5, 3, 2\) must have one axis"),
    (layer("BatchReindex", "oi", "y"), ShapeError, "'o' is a scalar"),
    (layer("BatchReindex", "xi", "x"), GraphError, "in place"),
    (layer("Embed", "i", "y", "embed_param { input_dim: 3 }"), ParameterError, "num_output must be 1 or more"),
    (layer("Embed", "i", "y", "embed_param { num_output: 3 }"), ParameterError, "input_dim must be 1 or more"),
    (layer("Embed", "i", "i", "embed_param { num_output: 3 input_dim: 2 }"), GraphError, "in place"),
    (layer("Filter", "xi", "fg"), GraphError, "found 2 bottom and 2 top"),
    (layer("Filter", "xi", "f"), ShapeError, r"'x' of shape \(5, 3, 2\) must have as many items as the selector 'i' of shape \(4,\)"),
    (layer("Filter", "ix", "f"), ShapeError, r"the selector 'x' of shape \(5, 3, 2\) must have one value"),
    (layer("Filter", "xo", "f"), ShapeError, r"the selector 'o' of shape \(\) must have one value"),
    (layer("Filter", "ij", "i"), GraphError, "in place"),
])
def test_what_cannot_be(text, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(\w+\): .*" + message):
        make_net(input_layers(x=(5, 3, 2), i=(4,), j=(4,)) + 'layer { name: "in" type: "Input" top: "o" input_param { shape {} } }\n' + text)


@pytest.mark.parametrize("index", [-1, 5, np.nan])
@pytest.mark.parametrize("text", [layer("BatchReindex", "xi", "y"), layer("Embed", "i", "y", "embed_param { num_output: 2 input_dim: 5 }")])
def test_indices_out_of_range(text, index):
    net = make_net(input_layers(x=(5, 3), i=(2,)) + text)
    net.blobs["i"].data[...] = [4, index]
    with pytest.raises(DataError, match=rf"layer 'l' \(\w+\): index {index:g} at position 1 of 'i' is not one of .*0 to 4"):
        net.forward()


@pytest.mark.parametrize(("text", "message"), [
    (layer("BatchReindex", "xh", "y", "loss_weight: 1"), "cannot backpropagate to the indices 'h'"),
    (layer("Embed", "h", "y", "embed_param { num_output: 2 input_dim: 5 } loss_weight: 1"), "cannot backpropagate to the indices 'h'"),
    (layer("Filter", "xh", "y", "loss_weight: 1"), "cannot backpropagate to the selector 'h'"),
])
def test_indices_are_not_learned(text, message):
    net = make_net(input_layers(x=(2, 3), i=(2,)) + layer("Scale", "i", "h", "scale_param { axis: 0 }", name="pre") + text)
    net.forward()
    with pytest.raises(ParameterError, match=rf"layer 'l' \(\w+\): {message}"):
        net.backward()
