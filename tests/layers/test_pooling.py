"""Pooling: Caffe's windows, both kernels, gradients, and complaints."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.layers import check_gradient, input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import GraphError, ParameterError, ShapeError
from caffe_lite.kernels.pooling import average_backward, average_forward, max_forward
from caffe_lite.kernels.pooling_average_vector import average_pooling
from caffe_lite.kernels.pooling_vector import max_forward_vector
from caffe_lite.rng import Rng

LOWEST = np.finfo(np.float32).min


def layer(fields, tops="y"):
    names = "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "p" type: "Pooling" bottom: "x"{names} pooling_param {{ {fields} }} }}'


def net(fields, *shape, tops="y"):
    return make_net("force_backward: true\n" + input_layers(x=shape) + layer(fields, tops))


@pytest.mark.parametrize(("dtype", "width", "kernel_w", "stride_w", "pad_w"), [
    (np.float32, 24, 2, 2, 0), (np.float32, 40, 3, 2, 1), (np.float64, 5, 4, 1, 3), (np.float32, 6, 1, 3, 0),
])
def test_vector_code_equals_the_plain(dtype, width, kernel_w, stride_w, pad_w):
    """Widths are compiled in, so only the other sizes vary."""
    out_w = math.ceil((width + 2 * pad_w - kernel_w) / stride_w) + 1
    fast = max_forward_vector(kernel_w, stride_w, pad_w, width, out_w)

    @settings(max_examples=20)
    @given(height=st.integers(4, 9), kernel_h=st.integers(1, 4), stride_h=st.integers(1, 3), seed=st.integers(0, 9))
    def run(height, kernel_h, stride_h, seed):
        x = np.random.default_rng(seed).integers(-2, 3, (3, height, width)).astype(dtype)  # full of ties
        x[0, 0, 1], x[1, 2, 2] = np.nan, -np.inf
        out_h = math.ceil((height - kernel_h) / stride_h) + 1
        found = []
        for kernel in (max_forward, fast):
            y, mask = np.full((3, out_h, out_w), np.nan, dtype), np.full((3, out_h, out_w), -7, np.int32)
            kernel(0, 3, x, y, mask, dtype(LOWEST), kernel_h, kernel_w, stride_h, stride_w, 0, pad_w)
            found.append((y, mask))
        np.testing.assert_array_equal(found[1][0], found[0][0])
        np.testing.assert_array_equal(found[1][1], found[0][1])

    run()


@pytest.mark.parametrize(("dtype", "width", "kernel_w", "stride_w", "pad_w"), [
    (np.float32, 24, 2, 2, 0), (np.float32, 70, 3, 2, 1), (np.float64, 5, 4, 1, 3), (np.float32, 6, 1, 3, 0),
    (np.float32, 41, 5, 3, 2), (np.float64, 33, 3, 1, 1),
])
def test_vector_code_averages_as_the_plain(dtype, width, kernel_w, stride_w, pad_w):
    out_w = math.ceil((width + 2 * pad_w - kernel_w) / stride_w) + 1
    out_w -= bool(pad_w) and (out_w - 1) * stride_w >= width + pad_w
    fast = average_pooling(kernel_w, stride_w, pad_w, width, out_w)

    @settings(max_examples=20)
    @given(height=st.integers(4, 9), kernel_h=st.integers(1, 4), stride_h=st.integers(1, 3), pad_h=st.integers(0, 3),
           seed=st.integers(0, 9))
    def run(height, kernel_h, stride_h, pad_h, seed):
        pad_h = min(pad_h, kernel_h - 1)
        out_h = math.ceil((height + 2 * pad_h - kernel_h) / stride_h) + 1
        out_h -= bool(pad_h) and (out_h - 1) * stride_h >= height + pad_h
        rng = np.random.default_rng(seed)
        x, dy = (rng.normal(size=size).astype(dtype) for size in ((3, height, width), (3, out_h, out_w)))
        window = (kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w)
        found = []
        for forward, backward in ((average_forward, average_backward), fast):
            y, dx = np.full_like(dy, 7), np.full_like(x, 7)
            forward(1, 3, x, y, *window)
            backward(1, 3, dy, dx, *window)
            assert (y[0] == 7).all()
            assert (dx[0] == 7).all()
            found.append((y, dx))
        np.testing.assert_array_equal(found[1][0], found[0][0])
        np.testing.assert_array_equal(found[1][1], found[0][1])

    run()


@pytest.mark.parametrize("fields", [
    "kernel_size: 2 stride: 2",
    "kernel_size: 3 stride: 2 pad: 1",
    "kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2 pad_h: 1 pad_w: 0",
    "kernel_size: 3 stride: 2 round_mode: FLOOR",
    "global_pooling: true",
])
@pytest.mark.parametrize("pool", ["MAX", "AVE"])
def test_gradient(pool, fields):
    x = np.random.default_rng(1).permutation(2 * 3 * 6 * 7).reshape(2, 3, 6, 7) / 10.0  # no two close
    check_gradient(layer(f"pool: {pool} {fields}"), {"x": x})


def test_the_mask_goes_back_too():
    n = net("kernel_size: 2 stride: 2", 1, 1, 2, 4, tops="ym")
    n.blobs["x"].data[...] = [[[[1, 5, 2, 2], [3, 5, 2, 1]]]]
    n.forward()
    assert n.blobs["y"].data.tolist() == [[[[5, 2]]]]
    assert n.blobs["m"].data.tolist() == [[[[1, 2]]]]
    n.blobs["y"].diff[...] = [[[[10, 20]]]]
    n.backward()
    assert n.blobs["x"].diff.tolist() == [[[[0, 10, 20, 0], [0, 0, 0, 0]]]]


def test_stochastic_draws_in_proportion():
    n = net("pool: STOCHASTIC kernel_size: 2 stride: 2", 1, 700, 2, 3)
    n.blobs["x"].data[...] = [[1, 2, 4], [5, 0, 12]]
    n.forward()
    y, x, dy = n.blobs["y"].data, n.blobs["x"], n.blobs["y"].diff
    assert y.shape == (1, 700, 1, 2)
    assert set(y[..., 0].flat) == {1, 2, 5}
    assert set(y[..., 1].flat) == {4, 12}
    shares = [(y[..., 0] == value).mean() for value in (1, 2, 5)]
    np.testing.assert_allclose(shares, [1 / 8, 2 / 8, 5 / 8], atol=0.07)
    np.testing.assert_allclose((y[..., 1] == 12).mean(), 0.75, atol=0.07)
    before = y.copy()
    n.forward()
    assert (before != y).any()
    dy[...] = np.arange(1, 1401).reshape(dy.shape)
    n.backward()
    expected = np.zeros(x.shape)
    for c, j in np.ndindex(700, 2):
        row, column = np.argwhere(x.data[0, c, :, 2 * j:2 * j + 2] == y[0, c, 0, j])[0]
        expected[0, c, row, 2 * j + column] = dy[0, c, 0, j]
    np.testing.assert_array_equal(x.diff, expected)


def test_stochastic_follows_the_stream():
    """The first value at which the running sum reaches the drawn share of the sum."""
    text = input_layers(x=(2, 3, 4, 5)) + layer("pool: STOCHASTIC kernel_size: 3 stride: 2")
    n = make_net(text, seed=7)
    x = np.random.default_rng(1).random((2, 3, 4, 5), np.float32)
    n.blobs["x"].data[...] = x
    n.forward()
    chance = Rng(7).uniform(0, 1, np.empty((2, 3, 2, 2), np.float32))
    for i in np.ndindex(chance.shape):
        window = x[i[0], i[1], 2 * i[2]:2 * i[2] + 3, 2 * i[3]:2 * i[3] + 3].reshape(-1)
        place = np.searchsorted(np.cumsum(window), chance[i] * window.sum())
        assert n.blobs["y"].data[i] == window[place]


def test_nothing_is_drawn_from_a_negative_sum():
    n = net("pool: STOCHASTIC kernel_size: 2 stride: 2", 1, 30, 2, 2)
    n.blobs["x"].data[...] = -1
    n.blobs["x"].data[0, 1] = np.nan
    n.forward()
    n.blobs["y"].diff[...] = 1
    n.backward()
    assert n.blobs["y"].data[0, 1] == 0
    assert not n.blobs["x"].diff[0, 1].any()
    assert set(n.blobs["y"].data.flat) <= {0, -1}


def test_stochastic_when_testing_is_the_mean():
    text = input_layers(x=(1, 1, 2, 4)) + layer("pool: STOCHASTIC kernel_size: 2 stride: 2")
    n = make_net(text, phase=schema.TEST)
    n.blobs["x"].data[...] = [[[[1, 2, 0, 0], [5, 0, 0, 0]]]]
    n.forward()
    np.testing.assert_allclose(n.blobs["y"].data, [[[[30 / 8, 0]]]], rtol=1e-6)
    x = np.random.default_rng(1).random((2, 3, 6, 7)) + 0.1
    check_gradient(layer("pool: STOCHASTIC kernel_h: 3 kernel_w: 2 stride: 2"), {"x": x}, phase=schema.TEST)


def test_nothing_but_nan_is_nobodys_maximum():
    n = net("kernel_size: 2 stride: 2", 1, 1, 2, 2)
    n.blobs["x"].data[...] = np.nan
    n.forward()
    assert n.blobs["y"].data.item() == LOWEST
    n.blobs["y"].diff[...] = 1
    n.backward()
    assert (n.blobs["x"].diff == 0).all()


@pytest.mark.parametrize(("fields", "out"), [
    ("kernel_size: 3 stride: 2", (4, 3)),
    ("kernel_size: 3 stride: 2 round_mode: FLOOR", (3, 3)),
    ("kernel_size: 2 stride: 2 pad: 1", (5, 4)),  # a fifth window would begin in the last padding
    ("kernel_size: 9 stride: 3", (1, 1)),
    ("global_pooling: true", (1, 1)),
])
def test_out_sizes(fields, out):
    assert net(fields, 2, 1, 8, 7).blobs["y"].shape == (2, 1, *out)


@pytest.mark.parametrize(("fields", "message"), [
    ("stride: 2", "there is no window size"),
    ("kernel_size: 0", "cannot be zero"),
    ("kernel_size: 2 stride: 0", "cannot be zero"),
    ("kernel_h: 2", "either kernel_size or both kernel_h and kernel_w"),
    ("kernel_size: 2 kernel_h: 2 kernel_w: 2", "either kernel_size or both"),
    ("kernel_size: 2 pad_h: 1", "either pad or both"),
    ("kernel_size: 2 stride: 1 stride_h: 1 stride_w: 1", "either stride or both"),
    ("kernel_size: 2 pad: 2", r"pad \(2, 2\) must be smaller than the kernel \(2, 2\)"),
    ("global_pooling: true kernel_size: 2", "leave the kernel size out"),
    ("global_pooling: true stride: 2", "pad must be 0 and stride 1"),
    ("pool: STOCHASTIC kernel_size: 2 pad: 1", r"stochastic pooling knows no padding, found pad \(1, 1\)"),
])
def test_parameters_that_cannot_be(fields, message):
    with pytest.raises(ParameterError, match=message) as caught:
        net(fields, 2, 3, 4, 5)
    assert "layer 'p' (Pooling)" in str(caught.value)


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match="must have 4 axes"):
        net("kernel_size: 2", 3, 4, 5)
    with pytest.raises(ShapeError, match="does not fit"):
        net("kernel_size: 7", 2, 3, 4, 5)
    with pytest.raises(ParameterError, match="only MAX pooling has a second top"):
        net("pool: AVE kernel_size: 2", 2, 3, 4, 5, tops="ym")
    with pytest.raises(GraphError):
        net("kernel_size: 2", 2, 3, 4, 5, tops="abc")
