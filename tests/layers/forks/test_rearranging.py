"""Permute, ShuffleChannel, Upsample, Interp, ROIPooling, Axpy and ReLU6, each against plain numpy."""

import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

from caffe_lite.errors import DataError, GraphError, ParameterError, ShapeError

RNG = np.random.default_rng(11)


def layer(kind, bottoms, tops="y", more=""):
    names = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "l" type: "{kind}"{names} {more} }}'


def normal(*shape):
    return RNG.normal(size=shape)


def run(text, dtype=np.float64, **inputs):
    net = make_net(input_layers(**{name: value.shape for name, value in inputs.items()}) + text, dtype=dtype)
    for name, value in inputs.items():
        net.blobs[name].data[...] = value
    net.forward()
    return net.blobs["y"].data


# -- Permute and ShuffleChannel --------------------------------------------------------------------------------------

@pytest.mark.parametrize(("shape", "order", "expected"), [
    ((2, 3, 4, 5), "0 2 3 1", (0, 2, 3, 1)), ((2, 3, 4, 5), "3", (3, 0, 1, 2)), ((2, 3, 4), "1", (1, 0, 2)),
    ((2, 3, 4, 5, 2), "4 2", (4, 2, 0, 1, 3)), ((3, 4), "1 0", (1, 0)),
])
def test_permute(shape, order, expected):
    text = layer("Permute", "x", more="permute_param { " + " ".join(f"order: {i}" for i in order.split()) + " }")
    x = normal(*shape)
    np.testing.assert_array_equal(run(text, x=x), x.transpose(expected))
    check_gradient(text, {"x": normal(*shape[:2], *(2,) * (len(shape) - 2))})


def test_permute_that_changes_nothing_is_the_bottom():
    text = layer("Permute", "x", more="permute_param { order: 0 order: 1 }")
    net = make_net(input_layers(x=(2, 3, 4)) + text)
    assert np.shares_memory(net.blobs["y"].data, net.blobs["x"].data)
    check_gradient(text + ' layer { name: "s" type: "Softmax" bottom: "y" top: "z" }', {"x": normal(2, 3)})


@pytest.mark.parametrize(("shape", "group"), [((2, 6, 3, 5), 3), ((3, 8, 2), 2), ((2, 4), 4), ((2, 5, 2), 1)])
def test_shuffle_channel(shape, group):
    text = layer("ShuffleChannel", "x", more=f"shuffle_channel_param {{ group: {group} }}")
    x = normal(*shape)
    expected = x.reshape(shape[0], group, shape[1] // group, -1).swapaxes(1, 2).reshape(shape)
    np.testing.assert_array_equal(run(text, x=x), expected)
    check_gradient(text, {"x": x})


# -- Upsample --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("more", "size"), [
    ("", (6, 10)), ("upsample_param { scale: 3 }", (9, 15)), ("upsample_param { scale_h: 2 scale_w: 3 }", (6, 15)),
    ("upsample_param { upsample_h: 5 upsample_w: 9 }", (5, 9)), ("upsample_param { pad_out_h: true }", (5, 10)),
])
def test_upsample(more, size):
    x = normal(2, 3, 3, 5)
    places = np.stack([RNG.permutation(size[0] * size[1])[:15] for _ in range(6)])
    expected = np.zeros((6, size[0] * size[1]))
    for plane in range(6):
        expected[plane, places[plane]] = x.reshape(6, 15)[plane]
    text = layer("Upsample", "xm", more=more)
    mask = places.reshape(x.shape)
    np.testing.assert_array_equal(run(text, x=x, m=mask), expected.reshape(2, 3, *size))
    check_gradient(text, {"x": x, "m": mask}, fixed=("m",))


def test_pooled_and_upsampled():
    text = ('layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "m" pooling_param { kernel_size: 2 stride: 2 } }'
            + layer("Upsample", "pm", more="upsample_param { upsample_h: 5 upsample_w: 4 }"))
    x = normal(2, 3, 5, 4)
    y = run(text, x=x)
    kept = y != 0
    np.testing.assert_array_equal(y[kept], x[kept])
    assert kept.sum() == 2 * 3 * 3 * 2


@pytest.mark.parametrize("place", [60, -1])
def test_a_place_outside_of_the_top(place):
    mask = np.zeros((1, 1, 3, 5))
    mask[0, 0, 1, 2] = place
    with pytest.raises(DataError, match=rf"layer 'l' \(Upsample\): the mask 'm' names place {place},.*0 to 59"):
        run(layer("Upsample", "xm"), x=normal(1, 1, 3, 5), m=mask)


# -- Interp ----------------------------------------------------------------------------------------------------------

def bilinear(x, height, width):
    """By matrices: each output row is a mean of two input rows."""
    def weights(old, new):
        matrix = np.zeros((new, old))
        for i in range(new):
            at = i * (old - 1) / (new - 1) if new > 1 else 0.0
            low = min(int(at), old - 1)
            matrix[i, low] += 1 - (at - low)
            matrix[i, min(low + 1, old - 1)] += at - low
        return matrix
    return np.einsum("yh,nchw,xw->ncyx", weights(x.shape[2], height), x, weights(x.shape[3], width))


@pytest.mark.parametrize(("more", "size"), [
    ("height: 7 width: 3", (7, 3)), ("zoom_factor: 3", (10, 16)), ("shrink_factor: 2", (2, 3)), ("height: 1 width: 1", (1, 1)),
    ("shrink_factor: 2 zoom_factor: 4", (5, 9)), ("height: 4 width: 6", (4, 6)), ("zoom_factor: 2 height: 3 width: 3", (7, 11)),
    ("shrink_factor: 3 zoom_factor: 2 height: 3 width: 5", (3, 5)),
])
def test_interp(more, size):
    text, x = layer("Interp", "x", more=f"interp_param {{ {more} }}"), normal(2, 3, 4, 6)
    np.testing.assert_allclose(run(text, x=x), bilinear(x, *size), atol=1e-5)
    np.testing.assert_allclose(run(text, np.float32, x=x), bilinear(x, *size), atol=1e-5)
    check_gradient(text, {"x": x})


def test_interp_crops_with_negative_padding():
    text, x = layer("Interp", "x", more="interp_param { pad_beg: -1 pad_end: -2 zoom_factor: 2 }"), normal(2, 1, 6, 5)
    np.testing.assert_allclose(run(text, x=x), bilinear(x[:, :, 1:4, 1:3], 5, 3), atol=1e-5)
    check_gradient(text, {"x": x})


# -- ROIPooling ------------------------------------------------------------------------------------------------------

def roi_pool(x, regions, rows, columns, scale):
    def away(value):
        return int(np.sign(value) * np.floor(abs(value) + 0.5))
    y = np.zeros((len(regions), x.shape[1], rows, columns))
    for r, (image, *corners) in enumerate(regions):
        left, top, right, bottom = (away(c * scale) for c in corners)
        height, width = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for row in range(rows):
            for column in range(columns):
                y0, y1 = (np.clip(f(v * height / rows) + top, 0, x.shape[2]).astype(int)
                          for f, v in ((np.floor, row), (np.ceil, row + 1)))
                x0, x1 = (np.clip(f(v * width / columns) + left, 0, x.shape[3]).astype(int)
                          for f, v in ((np.floor, column), (np.ceil, column + 1)))
                if y1 > y0 and x1 > x0:
                    y[r, :, row, column] = x[int(image), :, y0:y1, x0:x1].max(axis=(1, 2))
    return y


REGIONS = np.array([[0, 0, 0, 8, 8], [1, 3, 1, 12, 9], [0, 2.5, 4.5, 4, 5], [1, 6, 6, 2, 2], [1, 20, 20, 30, 30], [0, -5, 3, 5, 3]])


@pytest.mark.parametrize(("rows", "columns", "scale"), [(2, 3, 1.0), (3, 2, 0.5), (7, 7, 1.0)])
def test_roi_pooling(rows, columns, scale):
    more = f"roi_pooling_param {{ pooled_h: {rows} pooled_w: {columns} spatial_scale: {scale} }}"
    text, x = layer("ROIPooling", "xr", more=more), normal(2, 3, 8, 10)
    for regions in (REGIONS, REGIONS[:, :, None, None]):
        np.testing.assert_array_equal(run(text, x=x, r=regions), roi_pool(x, REGIONS, rows, columns, scale))
    proper = REGIONS[[0, 1, 2, 5]]
    check_gradient(text, {"x": normal(2, 2, 8, 10), "r": proper}, fixed=("r",))


def test_a_region_that_ends_before_it_begins_gets_no_gradient():
    text = layer("ROIPooling", "xr", more="roi_pooling_param { pooled_h: 2 pooled_w: 2 }")
    net = make_net("force_backward: true " + input_layers(x=(2, 1, 8, 10), r=(1, 5)) + text)
    net.blobs["x"].data[...], net.blobs["r"].data[...] = normal(2, 1, 8, 10), REGIONS[3:4]
    net.forward()
    net.blobs["y"].diff[...] = 1
    net.backward()
    assert net.blobs["y"].data.any()
    assert not net.blobs["x"].diff.any()


def test_a_region_of_no_image():
    text = layer("ROIPooling", "xr", more="roi_pooling_param { pooled_h: 2 pooled_w: 2 }")
    with pytest.raises(DataError, match=r"region 1 of 'r' is of image 2, but the batch 'x' has the images 0 to 1"):
        run(text, x=normal(2, 1, 3, 3), r=np.array([[1, 0, 0, 1, 1], [2, 0, 0, 1, 1]]))


# -- Axpy and ReLU6 --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("shape", "scale"), [((2, 3, 4, 5), (2, 3, 1, 1)), ((2, 3, 4, 5), (2, 3)), ((4, 3), (4, 3))])
def test_axpy(shape, scale):
    text, a, x, b = layer("Axpy", "axb"), normal(*scale), normal(*shape), normal(*shape)
    expected = a.reshape(scale[:2] + (1,) * (len(shape) - 2)) * x + b
    np.testing.assert_allclose(run(text, a=a, x=x, b=b), expected)
    check_gradient(text, {"a": a, "x": x, "b": b})


def test_relu6():
    x = np.array([[-3, -0.5, 0.5, 2, 5.5, 6.5, 9]])
    expected = [[0, 0, 0.5, 2, 5.5, 6, 6]]
    np.testing.assert_array_equal(run(layer("ReLU6", "x"), x=x), expected)
    check_gradient(layer("ReLU6", "x"), {"x": x})
    net = make_net("force_backward: true " + input_layers(x=(1, 7)) + layer("ReLU6", "x", "x"), dtype=np.float64)
    net.blobs["x"].data[...] = x
    net.forward()
    net.blobs["x"].diff[...] = 2
    net.backward()
    np.testing.assert_array_equal(net.blobs["x"].data, expected)
    np.testing.assert_array_equal(net.blobs["x"].diff, [[0, 0, 2, 2, 2, 0, 0]])


# -- what cannot be --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("shapes", "text", "kind", "message"), [
    ({"x": (2, 3)}, layer("Permute", "x", more="permute_param { order: 2 }"), ParameterError, r"\[2\] must name axes.*0 to 1"),
    ({"x": (2, 3)}, layer("Permute", "x", more="permute_param { order: 1 order: 1 }"), ParameterError, "each once"),
    ({"x": (2, 3)}, layer("Permute", "x", "x", more="permute_param { order: 1 }"), GraphError, "in place"),
    ({"x": (2, 5)}, layer("ShuffleChannel", "x", more="shuffle_channel_param { group: 2 }"), ShapeError, "multiple of group 2"),
    ({"x": (2, 5)}, layer("ShuffleChannel", "x", more="shuffle_channel_param { group: 0 }"), ParameterError, "1 or more"),
    ({"x": (2, 5)}, layer("ShuffleChannel", "x", "x"), GraphError, "in place"),
    ({"x": (2, 3, 4, 5), "m": (2, 3, 4, 4)}, layer("Upsample", "xm"), ShapeError, r"\(2, 3, 4, 4\)"),
    ({"x": (2, 3, 4, 5), "m": (2, 3, 4, 5)}, layer("Upsample", "xm", more="upsample_param { scale: 1 }"), ParameterError, "2 or more"),
    ({"x": (2, 3, 4, 5), "m": (2, 3, 4, 5)}, layer("Upsample", "xm", more="upsample_param { scale_h: 2 }"), ParameterError, "scale_h and"),
    ({"x": (2, 3, 4, 5), "m": (2, 3, 4, 5)}, layer("Upsample", "xm", more="upsample_param { scale: 3 pad_out_w: true }"),
     ParameterError, "need a scale of 2"),
    ({"x": (2, 3, 4, 5), "m": (2, 3, 4, 5)}, layer("Upsample", "xm", more="upsample_param { upsample_h: 8 upsample_w: 1 }"),
     ParameterError, "2 or more"),
    ({"x": (2, 3, 4, 5)}, layer("Interp", "x"), ParameterError, "there is no size"),
    ({"x": (2, 3, 4, 5)}, layer("Interp", "x", more="interp_param { height: 3 }"), ParameterError, "there is no size"),
    ({"x": (2, 3, 4, 5)}, layer("Interp", "x", more="interp_param { zoom_factor: 2 pad_beg: 1 }"), ParameterError, "only crop"),
    ({"x": (2, 3, 4, 5)}, layer("Interp", "x", more="interp_param { zoom_factor: 0 }"), ParameterError, "1 or more"),
    ({"x": (2, 3, 4, 5)}, layer("Interp", "x", more="interp_param { zoom_factor: 2 pad_beg: -4 }"), ShapeError, "nothing is left"),
    ({"x": (2, 3)}, layer("Interp", "x", more="interp_param { zoom_factor: 2 }"), ShapeError, "4 axes"),
    ({"x": (2, 3, 4, 5), "r": (2, 5)}, layer("ROIPooling", "xr"), ParameterError, "pooled_h and pooled_w"),
    ({"x": (2, 3, 4, 5), "r": (2, 4)}, layer("ROIPooling", "xr", more="roi_pooling_param { pooled_h: 2 pooled_w: 2 }"),
     ShapeError, "5 numbers for each region"),
    ({"x": (2, 3), "r": (2, 5)}, layer("ROIPooling", "xr", more="roi_pooling_param { pooled_h: 2 pooled_w: 2 }"), ShapeError, "4 axes"),
    ({"a": (2, 3), "x": (2, 3, 4), "b": (2, 3, 5)}, layer("Axpy", "axb"), ShapeError, "must have one shape"),
    ({"a": (2, 3, 2), "x": (2, 3, 4), "b": (2, 3, 4)}, layer("Axpy", "axb"), ShapeError, "one number for each channel"),
])
def test_what_cannot_be(shapes, text, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(\w+\): .*" + message):
        make_net(input_layers(**shapes) + text)
