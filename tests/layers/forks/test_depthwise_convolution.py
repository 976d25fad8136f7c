"""DepthwiseConvolution and ConvolutionDepthwise against plain numpy."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

RNG = np.random.default_rng(13)


def depthwise(x, w, b, stride, pad, dilation):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    kernel = w.shape[2]
    out = [(n - dilation * (kernel - 1) - 1) // stride + 1 for n in x.shape[2:]]
    y = np.zeros((*x.shape[:2], *out)) + b[:, None, None]
    for i in range(kernel):
        for j in range(kernel):
            rows, columns = (slice(k * dilation, k * dilation + stride * (n - 1) + 1, stride) for k, n in zip((i, j), out, strict=True))
            y += w[:, 0, i, j, None, None] * x[:, :, rows, columns]
    return y


@pytest.mark.parametrize(("kind", "given"), [
    ("DepthwiseConvolution", ""), ("DepthwiseConvolution", "num_output: 5 group: 5"), ("ConvolutionDepthwise", "num_output: 5"),
    ("ConvolutionDepthwise", "num_output: 64"),
])
@pytest.mark.parametrize(("stride", "pad", "dilation"), [(1, 1, 1), (2, 1, 1), (1, 2, 2), (2, 0, 1), (3, 2, 2), (4, 3, 1)])
@pytest.mark.parametrize("num", [2, 17])
def test_depthwise(kind, given, stride, pad, dilation, num):
    text = (f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" convolution_param {{ {given} kernel_size: 3 '
            f'stride: {stride} pad: {pad} dilation: {dilation} }} }}')
    net = make_net(input_layers(x=(num, 5, 7, 9)) + text)
    w, b = net.layers[-1].blobs
    assert w.shape == (5, 1, 3, 3)
    for blob in (net.blobs["x"], w, b):
        blob.data[...] = RNG.normal(size=blob.shape)
    net.forward()
    expected = depthwise(net.blobs["x"].data, w.data, b.data, stride, pad, dilation)
    np.testing.assert_allclose(net.blobs["y"].data, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["DepthwiseConvolution", "ConvolutionDepthwise"])
@pytest.mark.parametrize("more", [
    "kernel_size: 3 stride: 2 pad: 1", "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 3 pad_h: 2 pad_w: 1",
    "kernel_size: 2 dilation: 2 stride: 2 bias_term: false", "kernel_size: 1 pad: 2 stride: 3",
])
def test_gradient(kind, more):
    text = f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" convolution_param {{ {more} }} }}'
    check_gradient(text, {"x": RNG.normal(size=(2, 3, 5, 4))})


def test_a_grouped_convolution_is_the_same():
    given = 'bottom: "x" convolution_param { num_output: 4 group: 4 kernel_size: 3 stride: 2 pad: 1 }'
    text = f'layer {{ name: "a" type: "Convolution" top: "a" {given} }} layer {{ name: "b" type: "DepthwiseConvolution" top: "b" {given} }}'
    net = make_net(input_layers(x=(2, 4, 7, 5)) + text)
    net.blobs["x"].data[...] = RNG.normal(size=(2, 4, 7, 5))
    for mine, theirs in zip(net.layers[-1].blobs, net.layers[-2].blobs, strict=True):
        mine.data[...] = theirs.data[...] = RNG.normal(size=mine.shape)
    net.forward()
    np.testing.assert_array_equal(net.blobs["a"].data, net.blobs["b"].data)
    w, b = net.layers[-1].blobs
    np.testing.assert_allclose(net.blobs["b"].data, depthwise(net.blobs["x"].data, w.data, b.data, 2, 1, 1), atol=1e-5)
