"""The layers that treat every element alike, PReLU and Dropout: gradients, in place, corners, complaints."""

import logging

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net
from support.text import layer

from caffe_lite import schema
from caffe_lite.errors import GraphError, ParameterError, ShapeError

RNG = np.random.default_rng(11)


def away_from(kinks, *shape, low=-3.0, high=3.0):
    """Uniform numbers none of which is near a kink."""
    x = RNG.uniform(low, high, shape)
    for kink in kinks:
        x = np.where(np.abs(x - kink) < 1e-2, x + 3e-2, x)
    return x


def run(text, x, dy=None, phase=schema.TRAIN, seed=None, dtype=np.float32):
    """Output and input gradient of a layer "l" from x to y, or in place on x."""
    net = make_net("force_backward: true " + input_layers(x=np.shape(x)) + text, phase=phase, seed=seed, dtype=dtype)
    net.blobs["x"].data[...] = x
    net.forward()
    y = net.blobs[net.outputs[0]]
    values = y.data.copy()
    if dy is not None:
        y.diff[...] = dy
        net.backward()
    return values, net.blobs["x"].diff


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# type, fields, the function in numpy, its kinks, the smallest input
FUNCTIONS = [
    ("AbsVal", "", np.abs, [0], -3),
    ("BNLL", "", lambda x: np.logaddexp(0, x), [], -3),
    ("Clip", "clip_param { min: -0.5 max: 0.75 }", lambda x: np.clip(x, -0.5, 0.75), [-0.5, 0.75], -3),
    ("ELU", "", lambda x: np.where(x > 0, x, np.expm1(x)), [0], -3),
    ("ELU", "elu_param { alpha: 0.25 }", lambda x: np.where(x > 0, x, 0.25 * np.expm1(x)), [0], -3),
    ("Exp", "", np.exp, [], -3),
    ("Exp", "exp_param { base: 2 scale: -0.5 shift: 1.5 }", lambda x: 2 ** (1.5 - 0.5 * x), [], -3),
    ("Exp", "exp_param { shift: -1 }", lambda x: np.exp(x - 1), [], -3),
    ("Log", "", np.log, [], 0.2),
    ("Log", "log_param { base: 10 scale: 0.5 shift: 2 }", lambda x: np.log10(2 + 0.5 * x), [], -3),
    ("Power", "", lambda x: x, [], -3),
    ("Power", "power_param { scale: -0.5 shift: 2 }", lambda x: 2 - 0.5 * x, [], -3),
    ("Power", "power_param { power: 2 scale: 0.5 shift: 1 }", lambda x: (1 + 0.5 * x) ** 2, [], -3),
    ("Power", "power_param { power: 3 }", lambda x: x**3, [], -3),
    ("Power", "power_param { power: -1.5 scale: 0.5 shift: 2 }", lambda x: (2 + 0.5 * x) ** -1.5, [], -3),
    ("PReLU", "prelu_param { filler { value: 0.125 } }", lambda x: np.where(x > 0, x, 0.125 * x), [0], -3),
    ("PReLU", "prelu_param { channel_shared: true }", lambda x: np.where(x > 0, x, 0.25 * x), [0], -3),
    ("Sigmoid", "", sigmoid, [], -3),
    ("Swish", "", lambda x: x * sigmoid(x), [], -3),
    ("Swish", "swish_param { beta: 1.5 }", lambda x: x * sigmoid(1.5 * x), [], -3),
    ("TanH", "", np.tanh, [], -3),
    ("Threshold", "threshold_param { threshold: 0.5 }", lambda x: 1.0 * (x > 0.5), [0.5], -3),
]
SMOOTH = [row for row in FUNCTIONS if row[0] != "Threshold"]


@pytest.mark.parametrize(("kind", "fields", "function", "kinks", "low"), FUNCTIONS)
def test_values(kind, fields, function, kinks, low):
    x = away_from(kinks, 20, 7, 601, low=low).astype(np.float32)  # enough for several threads
    y, _ = run(layer(kind, "x", "y", fields), x)
    np.testing.assert_allclose(y, function(x.astype(np.float64)), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(("kind", "fields", "function", "kinks", "low"), SMOOTH)
def test_gradient(kind, fields, function, kinks, low):
    if kind == "PReLU":
        kinks = [0]  # check_gradient draws other slopes
    check_gradient(layer(kind, "x", "y", fields), {"x": away_from(kinks, 2, 5, 3, low=low)})


RIGHT_IN_PLACE = [row for row in SMOOTH if row[0] not in ("AbsVal", "BNLL", "Clip")]


@pytest.mark.parametrize(("kind", "fields", "function", "kinks", "low"), RIGHT_IN_PLACE)
def test_in_place_equals_out_of_place(kind, fields, function, kinks, low):
    x, dy = away_from(kinks, 30, 7, 301, low=low).astype(np.float32), RNG.normal(size=(30, 7, 301)).astype(np.float32)
    (y, dx), (y_in_place, dx_in_place) = (run(layer(kind, "x", top, fields), x, dy) for top in "yx")
    np.testing.assert_array_equal(y, y_in_place)
    np.testing.assert_array_equal(dx, dx_in_place)


def test_prelu_of_many_channels():
    net = make_net("force_backward: true " + input_layers(x=(41, 7, 301)) + layer("PReLU", "x", "y"))
    x, slope = RNG.normal(size=(41, 7, 301)).astype(np.float32), np.arange(7, dtype=np.float32)
    net.blobs["x"].data[...], net.layers[1].blobs[0].data[...] = x, slope
    net.forward()
    net.blobs["y"].diff[...] = 1
    net.backward()
    np.testing.assert_array_equal(net.blobs["y"].data, np.where(x > 0, x, slope[:, None] * x))
    np.testing.assert_array_equal(net.blobs["x"].diff, np.where(x > 0, 1, slope[:, None] * np.ones(301)))


@pytest.mark.parametrize("fields", ["", "prelu_param { channel_shared: true }"])
def test_prelu_learns_the_same_in_place(fields):
    x, gradients = RNG.normal(size=(3, 5, 4)), []
    for top in "yx":
        net = make_net("force_backward: true " + input_layers(x=x.shape) + layer("PReLU", "x", top, fields))
        net.blobs["x"].data[...] = x
        net.forward()
        net.blobs[top].diff[...] = x[::-1]
        net.backward()
        gradients.append(net.layers[1].blobs[0].diff)
    np.testing.assert_array_equal(gradients[0], gradients[1])
    expected = np.minimum(x, 0) * x[::-1]
    np.testing.assert_allclose(gradients[0], expected.sum() if fields else expected.sum((0, 2)), rtol=1e-5)


# what Caffe makes of these in place: the gradient is taken at the output
@pytest.mark.parametrize(("kind", "fields", "expected"), [
    ("BNLL", "", [0.531689465, 1.270290852, 2, 2.854467154, 4.773607731]),
    ("Clip", "clip_param { min: -0.5 max: 0.8 }", [1, 2, 3, 4, 5]),
])
def test_in_place_as_in_caffe(kind, fields, expected, caplog):
    with caplog.at_level(logging.WARNING):
        _, dx = run(layer(kind, "x", "x", fields), [-2, -0.3, 0, 0.4, 3], [1, 2, 3, 4, 5])
        assert "layer l (" + kind + ") works in place" in caplog.text
        caplog.clear()
        run(layer(kind, "x", "x", fields), [1], phase=schema.TEST)
        run(layer(kind, "x", "y", fields), [1])
        assert not caplog.text
    np.testing.assert_allclose(dx, expected, rtol=1e-6)


def test_far_out():
    x = np.array([-1e30, -1000, -100, -30, 30, 100, 1000, 1e30])
    for kind, expected, slope in [
        ("BNLL", [0, 0, 0, np.exp(-30), 30, 100, 1000, 1e30], [0, 0, 0, np.exp(-30), 1, 1, 1, 1]),
        ("Sigmoid", [0, 0, 0, np.exp(-30), 1, 1, 1, 1], [0, 0, 0, np.exp(-30), 0, 0, 0, 0]),
        ("TanH", [-1] * 4 + [1] * 4, [0] * 8),
        ("ELU", [-1] * 4 + [30, 100, 1000, 1e30], [0] * 4 + [1] * 4),
        ("Swish", [0, 0, 0, -30 * np.exp(-30), 30, 100, 1000, 1e30], [0, 0, 0, -29 * np.exp(-30), 1, 1, 1, 1]),
    ]:
        y, dx = run(layer(kind, "x", "y"), x, np.ones(8))
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-16, err_msg=kind)
        np.testing.assert_allclose(dx, slope, rtol=1e-5, atol=1e-12, err_msg=kind)


def test_small_numbers_keep_their_digits():
    x = np.logspace(-20, 1, 85)
    x = np.concatenate([x, -x])
    np.testing.assert_allclose(run(layer("TanH", "x", "y"), x, dtype=np.float64)[0], np.tanh(x), rtol=1e-12)
    np.testing.assert_allclose(run(layer("TanH", "x", "y"), x)[0], np.tanh(np.float32(x)), rtol=1e-6)


@pytest.mark.parametrize("kind", ["AbsVal", "BNLL", "ELU", "Exp", "Log", "Power", "PReLU", "Sigmoid", "Swish", "TanH"])
def test_nan_stays_nan(kind):
    assert np.isnan(run(layer(kind, "x", "y"), [[np.nan, 1]])[0]).tolist() == [[True, False]]


def test_at_the_kinks():
    assert run(layer("AbsVal", "x", "y"), [-2, 0, 3], [1, 1, 1])[1].tolist() == [-1, 0, 1]
    assert run(layer("Clip", "x", "y", "clip_param { min: -1 max: 1 }"), [-2, -1, 1, 2], [5] * 4)[1].tolist() == [0, 5, 5, 0]
    assert run(layer("Threshold", "x", "y"), [-1, 0, 1])[0].tolist() == [0, 0, 1]
    assert run(layer("Clip", "x", "y", "clip_param { min: 2 max: -1 }"), [-2, 0, 3])[0].tolist() == [2, 2, 2]


def test_power_at_zero_and_without_its_input():
    _, dx = run(layer("Power", "x", "y", "power_param { power: 3 }"), [-2, 0, 1], [1, 1, 1])
    assert dx.tolist() == [12, 0, 3]  # in Caffe the second is NaN
    for fields, expected in [("power: 0", 1), ("scale: 0 shift: 2 power: 3", 8)]:
        y, dx = run(layer("Power", "x", "y", f"power_param {{ {fields} }}"), [np.nan, np.inf, 0], [1, 2, 3])
        assert y.tolist() == [expected] * 3
        assert dx.tolist() == [0] * 3


def test_log_at_its_pole():
    y, dx = run(layer("Log", "x", "y"), [0, 1], [1, 1])
    assert y.tolist() == [-np.inf, 0]
    assert dx.tolist() == [np.inf, 1]


@pytest.mark.parametrize("top", "yx")
@pytest.mark.parametrize("ratio", [0, 0.1, 0.5, 0.9])
def test_dropout(ratio, top):
    x = np.ones((200, 300), np.float32)
    y, dx = run(layer("Dropout", "x", top, f"dropout_param {{ dropout_ratio: {ratio} }}"), x, 2 * x, seed=5)
    kept = np.float32(1 / (1 - np.float32(ratio)))
    assert set(np.unique(y)) <= {0, kept}
    assert (y == 0).mean() == pytest.approx(ratio, abs=0.01)
    np.testing.assert_array_equal(dx, 2 * y)


def test_dropout_draws_anew_from_the_nets_generator():
    text = input_layers(x=(4, 25)) + layer("Dropout", "x", "y")
    nets = [make_net(text, seed=seed) for seed in (1, 1, 2)]
    masks = []
    for net in nets:
        net.blobs["x"].data[...] = 1
        for _ in range(2):
            net.forward()
            masks.append(net.blobs["y"].data.copy())
    assert (masks[0] != masks[1]).any()
    assert (masks[0] != masks[4]).any()
    np.testing.assert_array_equal(masks[0:2], masks[2:4])


@pytest.mark.parametrize("top", "yx")
@pytest.mark.parametrize("ratio", [0.5, 1])
def test_dropout_when_testing(ratio, top):
    x = RNG.normal(size=(2, 3)).astype(np.float32)
    text = layer("Dropout", "x", top, f"dropout_param {{ dropout_ratio: {ratio} }}")
    y, dx = run(text, x, x + 1, phase=schema.TEST)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(dx, x + 1)


def test_a_new_shape():
    net = make_net("force_backward: true " + input_layers(x=(2, 3)) + layer("Swish", "x", "x") + layer("Dropout", "x", "y", name="m")
                   + layer("PReLU", "y", "y", name="n"))
    net.blobs["x"].reshape((500, 3))
    net.blobs["x"].data[...] = 1
    net.forward()
    assert net.blobs["y"].shape == (500, 3)
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert 0.4 < (net.blobs["x"].diff > 0).mean() < 0.6


def test_slopes_do_not_grow_with_the_bottom():
    net = make_net(input_layers(x=(2, 3)) + layer("PReLU", "x", "y"))
    net.blobs["x"].reshape((2, 4))
    with pytest.raises(ShapeError, match=r"there are 3 slopes, bottom 'x' of shape \(2, 4\) now has 4 channels"):
        net.forward()


@pytest.mark.parametrize(("text", "kind", "message"), [
    (layer("AbsVal", "x", "x"), GraphError, "cannot work in place: give its top 'x' a name"),
    (layer("Clip", "x", "y"), ParameterError, "set clip_param"),
    (layer("Exp", "x", "y", "exp_param { base: -2 }"), ParameterError, "base -2 has no logarithm"),
    (layer("Exp", "x", "y", "exp_param { base: 0 }"), ParameterError, "base 0 has no logarithm"),
    (layer("Exp", "x", "y", "exp_param { base: inf }"), ParameterError, "base inf has no logarithm"),
    (layer("Exp", "x", "y", "exp_param { shift: 1e6 }"), ParameterError, r"power of shift 1e\+06 is beyond float32"),
    (layer("Log", "x", "y", "log_param { base: nan }"), ParameterError, "base nan has no logarithm"),
    (layer("Log", "x", "y", "log_param { base: 1 }"), ParameterError, "no logarithm with base 1"),
    (layer("PReLU", "s", "y"), ShapeError, r"axis 1, which bottom 's' of shape \(3,\) does not have"),
    (layer("PReLU", "x", "y", 'prelu_param { filler { type: "no" } }'), ParameterError, "parameter 0.*unknown filler"),
    (layer("Dropout", "x", "y", "dropout_param { dropout_ratio: 1 }"), ParameterError, "dropout_ratio 1 must be"),
    (layer("Dropout", "x", "y", "dropout_param { dropout_ratio: -0.5 }"), ParameterError, "dropout_ratio -0.5 must be"),
    (layer("TanH", "xs", "y"), GraphError, "takes exactly 1 bottom"),
])
def test_what_cannot_be(text, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(\w+\): .*" + message):
        make_net(input_layers(x=(2, 3), s=(3,)) + text)


def test_a_threshold_has_no_gradient():
    learned = layer("InnerProduct", "x", "h", "inner_product_param { num_output: 2 }", name="ip")
    text = input_layers(x=(2, 3)) + learned + layer("Threshold", "h", "y", "loss_weight: 1")
    net = make_net(text)
    net.forward()
    with pytest.raises(ParameterError, match=r"layer 'l' \(Threshold\): has no gradient"):
        net.backward()
