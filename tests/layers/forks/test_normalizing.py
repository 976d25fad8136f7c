"""Normalize, BN and SmoothL1Loss, each against plain numpy."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

from caffe_lite.errors import GraphError, ParameterError, ShapeError
from caffe_lite.schema import TEST, TRAIN

RNG = np.random.default_rng(12)


def layer(kind, bottoms, tops="y", more=""):
    names = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "l" type: "{kind}"{names} {more} }}'


def normal(*shape):
    return RNG.normal(size=shape)


def build(text, inputs, phase=TRAIN, dtype=np.float64):
    shapes = {name: value.shape for name, value in inputs.items()}
    net = make_net("force_backward: true " + input_layers(**shapes) + text, phase=phase, dtype=dtype)
    for name, value in inputs.items():
        net.blobs[name].data[...] = value
    return net


# -- Normalize -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("across", "shared"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (4, 3)])
def test_normalize(across, shared, shape):
    more = f"norm_param {{ across_spatial: {str(across).lower()} channel_shared: {str(shared).lower()} eps: 0.25 "
    x, dy = normal(*shape), normal(*shape)
    scale = np.array(normal(*(() if shared else shape[1:2])))
    by_channel = scale if shared else scale.reshape(1, -1, *(1,) * (len(shape) - 2))
    axes = tuple(range(1, len(shape))) if across else (1,)
    norm = np.sqrt((x**2).sum(axis=axes, keepdims=True) + 0.25)
    for top in "yx":
        net = build(layer("Normalize", "x", top, more + "}"), {"x": x})
        blob, = net.layers[-1].blobs
        assert blob.data == pytest.approx(1)
        assert blob.shape == scale.shape
        blob.data[...] = scale
        net.forward()
        np.testing.assert_allclose(net.blobs[top].data, by_channel * x / norm)
        net.blobs[top].diff[...] = dy
        net.backward()
        # the fork takes the gradient of an unscaled top, and scales that
        dot = (x * dy).sum(axis=axes, keepdims=True)
        np.testing.assert_allclose(net.blobs["x"].diff, by_channel * (dy - x * dot / norm**2) / norm)
        each = (dy * x / norm).sum(axis=(0, *range(2, len(shape))))
        np.testing.assert_allclose(blob.diff, each.sum() if shared else each)
    if shared:
        check_gradient(layer("Normalize", "x", more=more + "scale_filler { value: 20 } }"), {"x": x})


def test_normalize_filler():
    more = 'norm_param { across_spatial: false channel_shared: false scale_filler { type: "constant" value: 20 } }'
    net = build(layer("Normalize", "x", more=more), {"x": normal(2, 3, 2, 2)}, dtype=np.float32)
    net.forward()
    np.testing.assert_allclose((net.blobs["y"].data ** 2).sum(axis=1), 400, rtol=1e-5)


# -- BN --------------------------------------------------------------------------------------------------------------

SEGNET = "bn_param { scale_filler { value: 1 } shift_filler { value: 0.001 } }"
PSPNET = "bn_param { slope_filler { value: 1 } bias_filler { value: 0 } momentum: 0.75 eps: 0.01 }"


def channels(values):
    return np.reshape(values, (1, -1, 1, 1))


@pytest.mark.parametrize("top", "yx")
@pytest.mark.parametrize("phase", [TRAIN, TEST])
def test_segnet_bn_uses_the_batch_in_both_phases(top, phase):
    x, scale, shift = normal(4, 3, 2, 5), normal(3), normal(3)
    net = build(layer("BN", "x", top, SEGNET), {"x": x}, phase)
    layer_ = net.layers[-1]
    assert [blob.shape for blob in layer_.blobs] == [(1, 3, 1, 1)] * 2
    np.testing.assert_allclose([blob.data.mean() for blob in layer_.blobs], [1, 0.001])
    for blob, values in zip(layer_.blobs, (scale, shift), strict=True):
        blob.data[...] = channels(values)
    net.forward()
    mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    expected = (x - channels(mean)) / np.sqrt(channels(variance) + 1e-9) * channels(scale) + channels(shift)
    np.testing.assert_allclose(net.blobs[top].data, expected)


def test_segnet_bn_gives_its_statistics():
    x = normal(4, 3, 2, 5)
    net = build(layer("BN", "x", "ymv", SEGNET), {"x": x})
    net.forward()
    np.testing.assert_allclose(net.blobs["m"].data, channels(x.mean(axis=(0, 2, 3))))
    np.testing.assert_allclose(net.blobs["v"].data, channels(x.var(axis=(0, 2, 3))))


def test_segnet_bn_inference_is_a_line():
    text = layer("BN", "x", more="bn_param { bn_mode: INFERENCE scale_filler { value: 3 } shift_filler { value: 2 } }")
    x = normal(4, 3, 2, 5)
    net = build(text, {"x": x}, TEST)
    net.forward()
    np.testing.assert_allclose(net.blobs["y"].data, 3 * x + 2)


@pytest.mark.parametrize("more", [SEGNET, PSPNET, "bn_param { bn_mode: INFERENCE }", ""])
@pytest.mark.parametrize("shape", [(4, 3, 2, 5), (5, 3)])
def test_bn_gradient(more, shape):
    check_gradient(layer("BN", "x", more=more), {"x": normal(*shape)}, tolerance=1e-5)
    check_gradient('layer { name: "r" type: "Power" bottom: "x" top: "t" } ' + layer("BN", "t", "t", more),
                   {"x": normal(*shape)}, tolerance=1e-5)


@pytest.mark.parametrize("phase", [TRAIN, TEST])
def test_frozen_bn_gradient(phase):
    check_gradient(layer("BN", "x", more="bn_param { frozen: true slope_filler { value: 1 } }"), {"x": normal(4, 3, 2, 5)},
                   phase=phase, tolerance=1e-5)


def test_pspnet_bn_averages_what_it_sees():
    net = build(layer("BN", "x", more=PSPNET), {"x": normal(4, 3, 2, 5)})
    mean, variance = np.zeros(3), np.zeros(3)
    for _ in range(3):
        x = normal(4, 3, 2, 5) * 2 + 1
        net.blobs["x"].data[...] = x
        net.forward()
        mean = 0.75 * mean + 0.25 * x.mean(axis=(0, 2, 3))
        variance = 0.75 * variance + 0.25 * x.var(axis=(0, 2, 3))
    slope, bias, stored_mean, stored_variance = net.layers[-1].blobs
    np.testing.assert_allclose(stored_mean.data, channels(mean))
    np.testing.assert_allclose(stored_variance.data, channels(variance))
    expected = (x - channels(x.mean(axis=(0, 2, 3)))) / np.sqrt(channels(x.var(axis=(0, 2, 3))) + 0.01)
    np.testing.assert_allclose(net.blobs["y"].data, expected)

    test = build(layer("BN", "x", more=PSPNET), {"x": x}, TEST)
    for mine, theirs in zip(test.layers[-1].blobs, (slope, bias, stored_mean, stored_variance), strict=True):
        mine.data[...] = theirs.data
    test.forward()
    np.testing.assert_allclose(test.blobs["y"].data, (x - channels(mean)) / np.sqrt(channels(variance) + 0.01))
    np.testing.assert_allclose(test.layers[-1].blobs[2].data, channels(mean))


def test_which_parameters_a_solver_may_touch():
    four = " ".join(["param { lr_mult: 1 decay_mult: 1 }"] * 4)
    net = build(layer("BN", "x", more=four + PSPNET), {"x": normal(2, 3)})
    assert [(p.lr_mult, p.decay_mult) for p in net.params.learnable] == [(1, 1), (1, 1), (0, 0), (0, 0)]
    net = build(layer("BN", "x", more=four + "bn_param { frozen: true }"), {"x": normal(2, 3)})
    assert {(p.lr_mult, p.decay_mult) for p in net.params.learnable} == {(0, 0)}
    assert net.layers[-1].blobs[3].data == pytest.approx(1)
    assert len(build(layer("BN", "x", more=four), {"x": normal(2, 3)}).layers[-1].blobs) == 4
    assert len(build(layer("BN", "x"), {"x": normal(2, 3)}).layers[-1].blobs) == 2


# -- SmoothL1Loss ----------------------------------------------------------------------------------------------------

def smooth(d, sigma2):
    return np.where(abs(d) < 1 / sigma2, d**2 * sigma2 / 2, abs(d) - 0.5 / sigma2)


def test_smooth_l1_loss():
    a, b = normal(5, 3, 2) * 2, normal(5, 3, 2)
    inside, outside = RNG.integers(0, 2, size=a.shape).astype(float), RNG.uniform(0.5, 2, size=a.shape)
    sigma = "smooth_l1_loss_param { sigma: 1.5 }"
    for bottoms, more, expected in [
        ("ab", "", smooth(a - b, 1)), ("ab", sigma, smooth(a - b, 2.25)), ("abi", "", smooth(inside * (a - b), 1)),
        ("abow", sigma, inside * smooth(outside * (a - b), 2.25)),
    ]:
        inputs = {"a": a, "b": b, "i": inside, "o": outside, "w": inside}
        inputs = {name: inputs[name] for name in bottoms}
        text = layer("SmoothL1Loss", bottoms, more=more)
        net = build(text, inputs)
        assert net.forward() == pytest.approx(expected.sum() / 5)
        check_gradient(text, inputs, fixed="iow")
        check_gradient(text.replace("top", "loss_weight: 0.5 top"), inputs, fixed="iow")


def test_smooth_l1_loss_of_few_axes():
    net = build(layer("SmoothL1Loss", "ab"), {"a": normal(2, 3), "b": normal(2, 3, 1, 1)})
    assert net.forward() > 0


# -- what cannot be --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("shapes", "text", "kind", "message"), [
    ({"x": (2,)}, layer("Normalize", "x"), ShapeError, "2 or more axes"),
    ({"x": (2,)}, layer("BN", "x"), ShapeError, "2 or more axes"),
    ({"x": (2, 3)}, layer("BN", "x", more="bn_param { frozen: true scale_filler {} }"), ParameterError,
     "fields of SegNet's BN, scale_filler, and of PSPNet's, frozen"),
    ({"x": (2, 3)}, layer("BN", "x", "ym", more=PSPNET), GraphError, "one top, found 2"),
    ({"a": (2, 3), "b": (2, 4)}, layer("SmoothL1Loss", "ab"), ShapeError, r"'b' of shape \(2, 4\) must have the shape of 'a'"),
    ({"a": (2, 3), "b": (2, 3), "i": (2, 3, 2)}, layer("SmoothL1Loss", "abi"), ShapeError, "'i' of shape"),
    ({"a": (2, 3), "b": (3, 3)}, layer("SmoothL1Loss", "ab"), ShapeError, "first dimension"),
    ({"a": (2, 3), "b": (2, 3)}, layer("SmoothL1Loss", "ab", more="smooth_l1_loss_param { sigma: 0 }"), ParameterError, "sigma"),
    ({"a": (2, 3)}, layer("SmoothL1Loss", "a"), GraphError, "takes 2 to 4 bottom"),
])
def test_what_cannot_be(shapes, text, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(\w+\): .*" + message):
        make_net(input_layers(**shapes) + text)


@pytest.mark.parametrize("text", [layer("BN", "x"), layer("Normalize", "x", more="norm_param { channel_shared: false }")])
def test_another_number_of_channels(text):
    net = make_net(input_layers(x=(2, 3, 4)) + text)
    net.blobs["x"].reshape((2, 4, 4))
    with pytest.raises(ShapeError, match=r"are for 3 channels, bottom 'x' is now of shape \(2, 4, 4\)"):
        net.forward()
