"""How blobs lie over each other."""

# ruff: noqa: C408  (dict(...) is how people write NetSpecs)

import caffe
import numpy as np
import pytest
from caffe import layers as L
from caffe.coord_map import (
    AxisMismatchException,
    UndefinedMapException,
    compose,
    conv_params,
    coord_map,
    coord_map_from_to,
    crop,
    crop_params,
    inverse,
)
from hypothesis import given
from hypothesis import strategies as st


def conv(bottom, kernel=3, stride=1, pad=0, **more):
    return L.Convolution(bottom, num_output=7, kernel_size=kernel, stride=stride, pad=pad, **more)


def deconv(bottom, stride, pad=0):
    return L.Deconvolution(bottom, convolution_param=dict(num_output=7, kernel_size=2 * stride, stride=stride, pad=pad))


def data(*sizes):
    return L.Input(shape=dict(dim=[2, 3, *sizes]))


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=3))
def test_the_map_is_where_a_kernels_middle_falls(convolutions):
    top = bottom = data(40, 40)
    for kernel, stride, pad in convolutions:
        top = conv(top, kernel, stride, pad)
    axis, scale, shift = coord_map_from_to(bottom, top)
    assert axis == 1
    position = 5.0  # of a pixel of the top; back through each layer to the middle of what it looks at
    for kernel, stride, pad in reversed(convolutions):
        position = position * stride - pad + (kernel - 1) / 2
    np.testing.assert_allclose(scale * position + shift, 5, atol=1e-12)


@pytest.mark.parametrize(
    ("pool", "up", "pad", "dpad", "shift"),
    [(2, 2, 0, 0, 0), (4, 4, 0, 0, -1), (2, 2, 3, 0, -3), (2, 2, 0, 3, 3), (2, 2, 5, 5, 0)],
)
def test_down_and_up_again(pool, up, pad, dpad, shift):
    bottom = data(100, 100)
    top = deconv(L.Pooling(conv(bottom, pad=pad), kernel_size=pool, stride=pool), up, dpad)
    for more in (lambda top: top, L.ReLU, lambda top: conv(top, 1), lambda top: L.BatchNorm(L.Dropout(top))):
        axis, scale, found = coord_map_from_to(more(top), bottom)
        assert (axis, scale, found) == (1, 1, shift)


def test_each_axis_on_its_own():
    bottom = data(50, 60)
    axis, scale, shift = coord_map_from_to(conv(bottom, [3, 5], [1, 2], [0, 10]), bottom)
    for i, one in enumerate([(3, 1, 0), (5, 2, 10)]):
        single = coord_map_from_to(conv(bottom, *one), bottom)
        assert (axis, scale[i], shift[i]) == single


def test_dilation_counts():
    axis, stride, extent, pad = conv_params(conv(data(9, 9), 3, dilation=2).fn)
    assert (axis, stride, extent, pad) == (1, 1, 5, 0)


def test_several_bottoms():
    first, second = data(30, 30), data(20, 20)
    tops = L.Convolution(first, second, ntop=2, num_output=3, kernel_size=5, stride=2)
    assert coord_map_from_to(tops[0], first) == coord_map_from_to(tops[1], second)


def test_crop():
    bottom = data(100, 100)
    up = deconv(L.Pooling(conv(bottom), kernel_size=4, stride=4), 4)
    layer = crop(up, bottom).to_proto().layer[-1]
    assert (layer.type, layer.crop_param.axis, list(layer.crop_param.offset)) == ("Crop", 2, [1])
    cropped = L.Crop(up, bottom, axis=2, offset=6)
    assert crop_params(cropped.fn) == (2, 6)
    assert coord_map_from_to(cropped, bottom)[2] == -1 + 6
    assert crop(L.ReLU(bottom), bottom).fn.params["crop_param"] == {"axis": 2, "offset": [0]}


def test_the_second_bottom_of_crop_leads_nowhere():
    one, two = data(9, 9), data(5, 5)
    with pytest.raises(RuntimeError, match="Could not compute map"):
        coord_map_from_to(L.Crop(one, two), two)


def test_composing():
    with pytest.raises(AxisMismatchException, match="axis 1, the other of axis 2"):
        compose((1, 1, 0), (2, 1, 0))
    assert compose((None, 2, 3), (1, 5, 7)) == (1, 10, 17)
    assert compose(inverse((1, 4, 6)), (1, 4, 6)) == (1, 1, 0)
    with pytest.raises(UndefinedMapException):
        coord_map(L.InnerProduct(data(3, 3)).fn)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda b: deconv(L.Pooling(conv(b), kernel_size=3, stride=3), 2), AssertionError, "scale mismatch"),
        (lambda b: deconv(L.Pooling(conv(b), kernel_size=2, stride=2), 2, 10), AssertionError, "negative offset"),
        (lambda b: conv(b, 4, 1, 2), AssertionError, "noninteger offset"),
        (lambda b: L.InnerProduct(b), RuntimeError, "connected"),
        (lambda b: L.Convolution(b, kernel_h=3, kernel_w=2), AssertionError, "kernel_h, kernel_w: give kernel_size"),
    ],
)
def test_what_cannot_be_cropped(make, error, message):
    bottom = data(100, 100)
    with pytest.raises(error, match=message):
        crop(make(bottom), bottom)


def test_it_crops(tmp_path):
    net = caffe.NetSpec()
    net.data = data(10, 10)
    net.up = deconv(L.Pooling(conv(net.data, 1, 1, 3), kernel_size=2, stride=2), 2)
    net.crop = crop(net.up, net.data)
    (tmp_path / "net.prototxt").write_text(str(net.to_proto()))
    made = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST)
    assert made.blobs["up"].shape == (2, 7, 18, 18)
    assert made.blobs["crop"].shape == (2, 7, 10, 10)
