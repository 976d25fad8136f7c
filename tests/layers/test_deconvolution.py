"""Deconvolution and Im2col: gradients, what they are to a convolution, and complaints."""

import numpy as np
import pytest
from support import text
from support.layers import check_gradient, input_layers, make_net

from caffe_lite.errors import ParameterError, ShapeError

RNG = np.random.default_rng(13)


def layer(kind, fields, bottoms="x", tops="y"):
    return text.layer(kind, bottoms, tops, f"convolution_param {{ {fields} }}")


@pytest.mark.parametrize(("shape", "fields"), [
    ((2, 3, 4, 5), "num_output: 2 kernel_size: 3"),
    ((2, 3, 4, 5), "num_output: 1 kernel_h: 2 kernel_w: 4 stride_h: 3 stride_w: 2 pad_h: 1 pad_w: 0"),
    ((2, 4, 3, 5), "num_output: 6 kernel_size: 3 stride: 2 group: 2 bias_term: false"),
    ((2, 3, 4, 2), "num_output: 2 kernel_size: 2 dilation: 3 pad: 1"),
    ((2, 3, 7), "num_output: 2 kernel_size: 4 stride: 3 pad: 2"),
    ((2, 3, 2, 3, 4), "num_output: 2 kernel_size: [2, 3, 1] stride: [2, 1, 3] pad: [0, 1, 0]"),
    ((2, 3, 4), "num_output: 2 kernel_size: 3 axis: 0"),
    ((2, 3, 1, 4, 5), "num_output: 2 kernel_size: 3 axis: 2"),
    ((17, 2, 3, 4), "num_output: 3 kernel_size: 3"),  # a batch for vector code
])
def test_gradient(shape, fields):
    check_gradient(layer("Deconvolution", fields), {"x": RNG.normal(size=shape)})


def test_gradient_of_several_bottoms():
    check_gradient(layer("Deconvolution", "num_output: 2 kernel_size: 2 stride: 2", "ab", "yz"),
                   {"a": RNG.normal(size=(2, 3, 4, 5)), "b": RNG.normal(size=(2, 3, 4, 5))})


@pytest.mark.parametrize("fields", ["kernel_size: 4 stride: 2 pad: 1", "kernel_size: 3 dilation: 2 group: 2"])
def test_it_is_the_gradient_of_a_convolution(fields):
    """<conv(x), z> = <x, deconv(z)> with the same filters."""
    both = (layer("Convolution", f"num_output: 6 bias_term: false {fields}")
            + layer("Deconvolution", f"num_output: 4 bias_term: false {fields}", "y", "z"))
    net = make_net(input_layers(x=(2, 4, 8, 10)) + both, dtype=np.float64)
    convolution, deconvolution = net.layers[1].blobs[0], net.layers[2].blobs[0]
    assert convolution.shape == deconvolution.shape
    convolution.data[...] = deconvolution.data[...] = RNG.normal(size=convolution.shape)
    x, y, z = (net.blobs[name].data for name in "xyz")
    x[...] = RNG.normal(size=x.shape)
    net.forward()
    assert z.shape == x.shape
    assert (x * z).sum() == pytest.approx((y * y).sum())


def test_parameter_gradients_add_up():
    net = make_net(input_layers(x=(2, 3, 4, 5)) + layer("Deconvolution", "num_output: 2 kernel_size: 3")
                   + text.layer("Reduction", "y", "z", "loss_weight: 1"))
    net.blobs["x"].data[...] = RNG.normal(size=(2, 3, 4, 5))
    net.forward()
    net.backward()
    blobs = net.layers[1].blobs
    once = [blob.diff.copy() for blob in blobs]
    net.backward()
    for blob, diff in zip(blobs, once, strict=True):
        assert diff.all()
        np.testing.assert_allclose(blob.diff, 2 * diff, rtol=1e-6)


def test_bilinear_upsampling():
    net = make_net(input_layers(x=(1, 2, 3, 4)) + layer(
        "Deconvolution", 'num_output: 2 group: 2 kernel_size: 4 stride: 2 pad: 1 bias_term: false '
        'weight_filler { type: "bilinear" }'))
    net.blobs["x"].data[...] = np.arange(24).reshape(1, 2, 3, 4)
    net.forward()
    y = net.blobs["y"].data
    assert y.shape == (1, 2, 6, 8)
    np.testing.assert_allclose(y[0, 1, 2, 1:7], 12 + 4 * 0.75 + np.arange(0.25, 3, 0.5))


def test_a_new_size():
    net = make_net(input_layers(x=(2, 3, 4, 5)) + layer("Deconvolution", "num_output: 2 kernel_size: 3 stride: 2"))
    net.blobs["x"].reshape((1, 3, 6, 2))
    net.forward()
    assert net.blobs["y"].shape == (1, 2, 13, 5)


@pytest.mark.parametrize(("shape", "fields"), [
    ((2, 3, 4, 5), "kernel_size: 3 stride: 2 pad: 1 group: 2"),  # groups are for filters
    ((2, 3, 5, 6), "kernel_h: 2 kernel_w: 3 dilation: 2 force_nd_im2col: true"),
    ((2, 3, 7), "kernel_size: 4 stride: 3 pad: 2"),
    ((2, 3, 4, 2, 3), "kernel_size: [3, 1, 2] pad: [1, 0, 1]"),
    ((4, 5, 6), "kernel_size: 2 axis: 0"),
])
def test_im2col_gradient(shape, fields):
    check_gradient(layer("Im2col", fields), {"x": RNG.normal(size=shape)})


def test_im2col_is_what_filters_see():
    fields = "kernel_size: 3 stride: 2 pad: 1"
    net = make_net(input_layers(x=(2, 3, 5, 6)) + layer("Im2col", fields)
                   + layer("Convolution", f"num_output: 4 bias_term: false {fields}", "x", "z"))
    net.layers[-1].blobs[0].data[...] = w = RNG.normal(size=(4, 3, 3, 3))
    net.blobs["x"].data[...] = RNG.normal(size=(2, 3, 5, 6))
    net.forward()
    y, z = net.blobs["y"].data, net.blobs["z"].data
    assert y.shape == (2, 27, 3, 3)
    np.testing.assert_allclose(np.einsum("ok,nkhw->nohw", w.reshape(4, 27), y), z, atol=1e-5)


@pytest.mark.parametrize(("kind", "shape", "fields", "error", "message"), [
    ("Deconvolution", (2, 3, 4, 5), "kernel_size: 3", ParameterError, "num_output must be 1 or more"),
    ("Deconvolution", (2, 3, 4, 5), "num_output: 4 kernel_size: 3 group: 2", ParameterError, "multiples of group 2"),
    ("Deconvolution", (2, 3, 1, 5), "num_output: 4 kernel_size: 3 pad: 2", ShapeError, r"nothing is left.*\[-1, 3\]"),
    ("Im2col", (2, 3), "kernel_size: 3", ShapeError, "no spatial axes"),
    ("Im2col", (2, 3, 4, 5), "", ParameterError, "kernel_size must be specified"),
    ("Im2col", (2, 3, 4, 5), "kernel_size: 7", ShapeError, r"7, 7\] elements does not fit"),
])
def test_what_cannot_be(kind, shape, fields, error, message):
    with pytest.raises(error, match=rf"layer 'l' \({kind}\): .*{message}"):
        make_net(input_layers(x=shape) + layer(kind, fields))


def test_im2col_keeps_its_axes():
    net = make_net(input_layers(x=(2, 3, 4, 5)) + layer("Im2col", "kernel_size: 2"))
    net.blobs["x"].reshape((2, 3, 4))
    with pytest.raises(ShapeError, match=r"the kernel has 2 axes.*\(2, 3, 4\)"):
        net.forward()
