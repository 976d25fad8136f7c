"""BatchNorm, LRN and MVN: gradients, statistics, work in place, and complaints."""

import numpy as np
import pytest
from support import text
from support.layers import check_gradient, input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import ParameterError, ShapeError
from caffe_lite.kernels.lrn import lrn_backward, lrn_forward
from caffe_lite.kernels.lrn_five import lrn_five_backward, lrn_five_forward

RNG = np.random.default_rng(11)
STATISTICS = "".join(f" blobs {{ shape {{ dim: {len(v)} }} {' '.join(f'data: {x}' for x in v)} }}"
                     for v in ([1, -2, 3], [2, 6, 1], [4]))


def layer(kind, more="", bottom="x", top="y"):
    return text.layer(kind, bottom, top, more)


def net(kind, more="", *, shape=(5, 3, 2, 4), phase=schema.TRAIN, top="y"):
    made = make_net("force_backward: true " + input_layers(x=shape) + layer(kind, more, top=top), phase=phase)
    made.blobs["x"].data[...] = RNG.normal(size=shape)
    return made


CASES = [
    ("BatchNorm", "", schema.TRAIN),
    ("BatchNorm", "batch_norm_param { eps: 0.5 }", schema.TRAIN),
    ("BatchNorm", STATISTICS, schema.TEST),
    ("BatchNorm", f"{STATISTICS} batch_norm_param {{ use_global_stats: true }}", schema.TRAIN),
    ("BatchNorm", f"{STATISTICS} batch_norm_param {{ use_global_stats: false }}", schema.TEST),
    ("MVN", "", schema.TRAIN),
    ("MVN", "mvn_param { across_channels: true }", schema.TRAIN),
    ("MVN", "mvn_param { normalize_variance: false }", schema.TRAIN),
    ("MVN", "mvn_param { across_channels: true normalize_variance: false }", schema.TEST),
    ("LRN", "lrn_param { alpha: 2 k: 1.5 }", schema.TRAIN),
    ("LRN", "lrn_param { alpha: 2 beta: 0.6 local_size: 3 }", schema.TRAIN),
    ("LRN", "lrn_param { alpha: 2 local_size: 1 }", schema.TRAIN),
    ("LRN", "lrn_param { alpha: 2 local_size: 9 norm_region: WITHIN_CHANNEL }", schema.TRAIN),
    ("LRN", "lrn_param { alpha: 2 beta: 1.2 local_size: 3 norm_region: WITHIN_CHANNEL }", schema.TEST),
]


@pytest.mark.parametrize(("kind", "more", "phase"), CASES)
def test_gradient(kind, more, phase):
    check_gradient(layer(kind, more), {"x": RNG.normal(size=(5, 3, 2, 4))}, phase=phase)


@pytest.mark.parametrize(("kind", "more", "phase"), CASES)
def test_gradient_in_place(kind, more, phase):
    """Between two layers, the second of which works in place too."""
    chain = (text.layer("Power", "x", "h", "power_param { scale: 2 shift: 1 }", name="a") + layer(kind, more, "h", "h")
             + text.layer("Scale", "h", "h", name="b") + text.layer("Softmax", "h", "y", name="c"))
    check_gradient(chain, {"x": RNG.normal(size=(5, 3, 2, 4))}, phase=phase)


@pytest.mark.parametrize("shape", [(7, 3), (7,), (4, 3, 5), (2, 3, 2, 2, 2)])
def test_batch_norm_of_any_axes(shape):
    check_gradient(layer("BatchNorm"), {"x": RNG.normal(size=shape)})


def test_batch_norm_of_batches():
    n = net("BatchNorm", "batch_norm_param { moving_average_fraction: 0.75 eps: 0.125 }")
    mean, variance, weight = np.zeros(3), np.zeros(3), 0.0
    for _ in range(3):
        x = RNG.normal(size=(5, 3, 2, 4)) * 3 + 1
        n.blobs["x"].data[...] = x
        n.forward()
        y = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 0.125)
        np.testing.assert_allclose(n.blobs["y"].data, y, atol=1e-5)
        mean, variance = mean * 0.75 + x.mean((0, 2, 3)), variance * 0.75 + x.var((0, 2, 3), ddof=1)
        weight = weight * 0.75 + 1
    for blob, expected in zip(n.layers[1].blobs, (mean, variance, [weight]), strict=True):
        np.testing.assert_allclose(blob.data, expected, rtol=1e-5)
    assert all(param.lr_mult == 0 for param in n.params.learnable)


def test_batch_norm_of_one_value_a_channel():
    n = net("BatchNorm", shape=(1, 3))
    n.forward()
    assert n.blobs["y"].data.tolist() == [[0, 0, 0]]
    np.testing.assert_array_equal(n.layers[1].blobs[1].data, [0, 0, 0])


def test_batch_norm_without_weight_has_statistics_of_zero():
    n = net("BatchNorm", "batch_norm_param { eps: 0.25 }", phase=schema.TEST)
    n.layers[1].blobs[0].data[...] = 7
    n.forward()
    np.testing.assert_allclose(n.blobs["y"].data, n.blobs["x"].data * 2, rtol=1e-6)


def test_batch_norm_of_a_large_mean_keeps_its_digits():
    """float32 sums of a million values in one chain would lose the variance."""
    n = net("BatchNorm", shape=(8, 1, 512, 256))
    n.blobs["x"].data[...] += 100
    n.forward()
    y = n.blobs["y"].data.astype(np.float64)
    assert abs(y.mean()) < 1e-4
    assert y.std() == pytest.approx(1, abs=1e-4)


def test_mvn_makes_four_axes():
    assert net("MVN", shape=(5, 3)).blobs["y"].shape == (5, 3, 1, 1)


@pytest.mark.parametrize(("across", "axes"), [("false", (2, 3)), ("true", (1, 2, 3))])
def test_mvn_adds_eps_to_the_deviation(across, axes):
    n = net("MVN", f"mvn_param {{ eps: 0.5 across_channels: {across} }}", shape=(2, 3, 4, 5))
    n.forward()
    x = n.blobs["x"].data.astype(np.float64)
    expected = (x - x.mean(axes, keepdims=True)) / (x.std(axes, keepdims=True) + 0.5)
    np.testing.assert_allclose(n.blobs["y"].data, expected, atol=1e-6)


def by_definition(x, size, alpha, beta, k, within):
    half, area = size // 2, size * size if within else size
    squares = np.pad(x ** 2, [(0, 0), *[(half, half) if i >= 1 + within and (i == 1 or within) else (0, 0)
                                        for i in (1, 2, 3)]])
    sums = np.zeros_like(x)
    for d in np.ndindex(*([size, size] if within else [size])):
        rest = tuple(slice(i, i + n) for i, n in zip(d, x.shape[2:] if within else x.shape[1:2], strict=True))
        sums += squares[(slice(None), slice(None), *rest) if within else (slice(None), *rest)]
    return x * ((1 if within else k) + alpha / area * sums) ** -beta


@pytest.mark.parametrize(("size", "beta"), [(3, 0.75), (5, 0.5), (7, 1.25)])
@pytest.mark.parametrize("within", [True, False])
def test_lrn_is_its_formula(size, beta, within):
    region = "WITHIN_CHANNEL" if within else "ACROSS_CHANNELS"
    n = net("LRN", f"lrn_param {{ local_size: {size} alpha: 3 beta: {beta} k: 2 norm_region: {region} }}",
            shape=(2, 6, 4, 5))
    n.forward()
    expected = by_definition(n.blobs["x"].data.astype(np.float64), size, 3, beta, 2, within)
    np.testing.assert_allclose(n.blobs["y"].data, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7])
def test_the_usual_window_is_as_any_other(rows, dtype):
    """Two items in strips of 6, 6 and 1 columns; alpha large enough to matter."""
    rng = np.random.default_rng(rows)
    x, dy = rng.normal(size=(2, 2, rows, 13)).astype(dtype)
    k, alpha, beta = dtype(0.7), dtype(0.3), dtype(0.75)
    found = []
    for usual in (True, False):
        y, dx, scratch = np.full_like(x, 9), dy.copy(), np.full(14 * 6, np.nan, dtype)
        if usual:
            lrn_five_forward(0, 6, x, k, alpha, 6, y, scratch)
            lrn_five_backward(0, 6, x, k, alpha, 6, dx, dx, scratch)
        else:
            lrn_forward(0, 6, x, 2, 0, k, alpha, beta, 1, 6, y, scratch)
            lrn_backward(0, 6, x, 2, 0, k, alpha, beta, 1, 6, dx, dx, scratch)
        found.append((y, dx))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("half", [1, 2])
def test_planes_side_by_side_do_not_see_each_other(half):
    rng = np.random.default_rng(half)
    x, dy = rng.normal(size=(2, 7, 4, 5)).astype(np.float32)
    numbers = (half, half, np.float32(1), np.float32(0.3), np.float32(0.75))
    found = []
    for together, units in ((1, 7), (3, 3)):
        y, dx, scratch = np.full_like(x, 9), dy.copy(), np.full((4 * half + 6) * together * (5 + half), np.nan, np.float32)
        lrn_forward(0, units, x, *numbers, together, 5, y, scratch)
        lrn_backward(0, units, x, *numbers, together, 5, dx, dx, scratch)
        found.append((y, dx))
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("top", ["x", "y"])
def test_batch_norm_of_many_channels(top):
    """More than are done at once, in place too, against numpy in float64."""
    shape = (3, 41, 60, 25)
    n = net("BatchNorm", shape=shape, top=top)
    rng = np.random.default_rng(4)
    x, dy = rng.normal(size=(2, *shape)).astype(np.float32)
    n.blobs["x"].data[...] = x
    n.forward()
    n.blobs[top].diff[...] = dy
    n.backward()
    wide, slope, axes = x.astype(float), dy.astype(float), (0, 2, 3)
    mean, variance = (a[:, None, None] for a in (wide.mean(axes), wide.var(axes)))
    y = (wide - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(n.blobs[top].data if top == "y" else y, y, atol=1e-5)
    means = (slope.mean(axes)[:, None, None], (slope * y).mean(axes)[:, None, None])
    np.testing.assert_allclose(n.blobs["x"].diff, (slope - means[0] - means[1] * y) / np.sqrt(variance + 1e-5),
                               atol=1e-5)


@pytest.mark.parametrize("kind", ["BatchNorm", "MVN", "LRN"])
def test_a_new_batch_size(kind):
    n = net(kind)
    x = RNG.normal(size=(9, 3, 2, 4)).astype(np.float32)
    n.blobs["x"].reshape(x.shape)
    n.blobs["x"].data[...] = x
    n.forward()
    fresh = net(kind, shape=x.shape)
    fresh.blobs["x"].data[...] = x
    fresh.forward()
    np.testing.assert_array_equal(n.blobs["y"].data, fresh.blobs["y"].data)


@pytest.mark.parametrize(("kind", "more", "shape", "error", "message"), [
    ("BatchNorm", "", (), ShapeError, "'x' has no axes"),
    ("BatchNorm", "param { lr_mult: 0 } param { lr_mult: 1 }", (2, 3), ParameterError, "param 1 has lr_mult 1; make it 0"),
    ("LRN", "lrn_param { local_size: 4 }", (2, 3, 4, 5), ParameterError, "local_size must be odd.*found 4"),
    ("LRN", "", (2, 3), ShapeError, r"must have 4 axes.*\(2, 3\)"),
    ("MVN", "", (2, 3, 2, 2, 2), ShapeError, "at most 4 axes"),
])
def test_what_cannot_be(kind, more, shape, error, message):
    with pytest.raises(error, match=rf"layer 'l' \({kind}\): .*{message}"):
        net(kind, more, shape=shape)


def test_batch_norm_keeps_its_channels():
    n = net("BatchNorm")
    n.blobs["x"].reshape((5, 4, 2, 4))
    with pytest.raises(ShapeError, match=r"statistics are of 3 channels.*now of shape \(5, 4, 2, 4\)"):
        n.forward()
