"""Convolution: gradients, both ways of computing it against a definition in a few lines, and its complaints."""

from itertools import product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.layers import check_gradient, input_layers, make_net

from caffe_lite.errors import GraphError, ParameterError, ShapeError
from caffe_lite.kernels.vector import lanes
from caffe_lite.kernels.winograd_forms import FORMS
from caffe_lite.layers.convolution import choose_engine
from caffe_lite.layers.convolution_channels import ChannelConvolution
from caffe_lite.layers.convolution_direct import DirectConvolution
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.layers.convolution_im2col import Im2colConvolution
from caffe_lite.layers.convolution_pixels import PixelConvolution
from caffe_lite.layers.convolution_winograd import CHOICES, WinogradConvolution
from caffe_lite.layers.convolution_winograd_images import ImageWinogradConvolution
from caffe_lite.layers.grain import enough_units
from caffe_lite.parallel import Workspace


def layer(fields, bottoms="x", tops="y"):
    names = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "c" type: "Convolution"{names} convolution_param {{ {fields} }} }}'


def net(fields, *shape):
    return make_net(input_layers(x=shape) + layer(fields))


def by_definition(g, x, w):
    """The sum as it is written in the layer's docstring."""
    y = np.zeros((g.num, g.outputs, *g.out))
    c, o = g.channels // g.group, g.outputs // g.group
    for group, place, tap in product(range(g.group), np.ndindex(*g.out), np.ndindex(*g.kernel)):
        at = [p * s - pad + t * d for p, s, pad, t, d in zip(place, g.stride, g.pad, tap, g.dilation, strict=True)]
        if all(0 <= i < n for i, n in zip(at, g.size, strict=True)):
            seen = x[(slice(None), slice(group * c, (group + 1) * c), *at)]
            part = slice(group * o, (group + 1) * o)
            y[(slice(None), part, *place)] += seen @ w[(part, slice(None), *tap)].T
    return y


def fail(kind, message):
    raise kind(message)


def check(engine, g, dtype, tolerance):
    """The forward pass against the definition; the gradients through <y, f(x, w)> being linear in each of x and w."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((g.num, g.channels, *g.size))
    w = rng.standard_normal(g.weight_shape)
    bias, dy = rng.standard_normal(g.outputs), rng.standard_normal((g.num, g.outputs, *g.out))
    flat = [a.astype(dtype).reshape(-1) for a in (x, w, bias, dy)]
    y, dx, dw, db = (np.full(n, v, dtype) for n, v in ((dy.size, np.nan), (x.size, np.nan), (w.size, 1), (g.outputs, 1)))
    for _ in range(2):  # twice: scratch memory is dirty by then
        engine.forward(flat[0], flat[1], flat[2], y)
    expected = by_definition(g, x, w)
    spread = (-1, *[1] * len(g.out))
    np.testing.assert_allclose(y.reshape(expected.shape), expected + bias.reshape(spread), atol=tolerance, rtol=0)
    engine.forward(flat[0], flat[1], None, y)
    np.testing.assert_allclose(y.reshape(expected.shape), expected, atol=tolerance, rtol=0)
    engine.backward_weight(flat[0], flat[3], dw, db)
    np.testing.assert_allclose(db, 1 + dy.sum((0, *range(2, dy.ndim))), atol=10 * tolerance, rtol=0)
    engine.backward_data(flat[3], flat[1], dx)
    for _ in range(3):
        other_x, other_w = rng.standard_normal(x.shape), rng.standard_normal(w.shape)
        scale = 10 * tolerance * max(1, dy.size ** 0.5)
        assert abs((by_definition(g, other_x, w) * dy).sum() - dx @ other_x.reshape(-1)) < scale
        assert abs((by_definition(g, x, other_w) * dy).sum() - (dw - 1) @ other_w.reshape(-1)) < scale


@settings(max_examples=40)
@given(num=st.integers(1, 5), group=st.integers(1, 2), channels=st.integers(1, 3), outputs=st.integers(1, 7),
       size=st.tuples(st.integers(3, 11), st.integers(3, 11)), kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
       pad=st.tuples(st.integers(0, 3), st.integers(0, 3)), stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
       dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)), dtype=st.sampled_from([np.float32, np.float64]))
def test_patches(num, group, channels, outputs, size, kernel, pad, stride, dilation, dtype):
    base = Geometry(channels * group, outputs * group, group, kernel, pad, stride, dilation)
    try:
        g = base.over(num, size, fail)
    except ShapeError:
        assume(False)
    check(Im2colConvolution(g, dtype, Workspace()), g, dtype, 1e-4 if dtype is np.float32 else 1e-11)


@pytest.mark.parametrize(("dtype", "channels", "outputs", "width", "taps", "pad", "stride", "dilation"), [
    (np.float32, 3, 7, 11, 5, 0, 1, 1),
    (np.float32, 2, 4, 9, 3, 2, 1, 2),
    (np.float64, 1, 2, 10, 4, 3, 2, 1),
])
def test_vector_code(dtype, channels, outputs, width, taps, pad, stride, dilation):
    """Widths are compiled in, so only the other sizes vary."""

    @settings(max_examples=15)
    @given(num=st.integers(1, 2 * lanes(4) + 1), group=st.integers(1, 2), height=st.integers(3, 8),
           kernel_h=st.integers(1, 4), pad_h=st.integers(0, 3), stride_h=st.integers(1, 3), dilation_h=st.integers(1, 2))
    def run(num, group, height, kernel_h, pad_h, stride_h, dilation_h):
        base = Geometry(channels * group, outputs * group, group, (kernel_h, taps), (pad_h, pad), (stride_h, stride),
                        (dilation_h, dilation))
        try:
            g = base.over(num, (height, width), fail)
        except ShapeError:
            assume(False)
        check(DirectConvolution(g, dtype, Workspace()), g, dtype, 1e-4 if dtype is np.float32 else 1e-11)

    run()


def pixels_in_the_lanes(g, dtype):
    return PixelConvolution(g, dtype, Workspace(), Im2colConvolution(g, dtype, Workspace()))


@pytest.mark.parametrize(("dtype", "taps"), [(np.float32, 5), (np.float32, 2), (np.float64, 3)])
def test_pixels_in_the_lanes(dtype, taps):
    """Taps and the size of tiles are compiled in, so only the other sizes vary."""

    @settings(max_examples=30)
    @given(num=st.integers(1, 18), channels=st.integers(1, 3), outputs=st.sampled_from([4, 7, 19]),
           size=st.tuples(st.integers(3, 12), st.integers(3, 23)), kernel_h=st.integers(1, 4),
           pad=st.tuples(st.integers(0, 3), st.integers(0, 3)), dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)))
    def run(num, channels, outputs, size, kernel_h, pad, dilation):
        base = Geometry(channels, outputs, 1, (kernel_h, taps), pad, (1, 1), dilation)
        try:
            g = base.over(num, size, fail)
        except ShapeError:
            assume(False)
        check(pixels_in_the_lanes(g, dtype), g, dtype, 1e-4 if dtype is np.float32 else 1e-11)

    run()


@pytest.mark.parametrize("slope", [0, 0.25])
def test_pixels_in_the_lanes_rectified(slope):
    g = Geometry(2, 7, 1, (3, 3), (1, 0), (1, 1), (1, 1)).over(3, (9, 12), fail)
    rng = np.random.default_rng(3)
    x, w, bias = (rng.standard_normal(n) for n in (3 * 2 * 9 * 12, 7 * 2 * 9, 7))
    plain, rectified = (np.full(3 * 7 * g.pixels, np.nan) for _ in range(2))
    engine = pixels_in_the_lanes(g, np.float64)
    engine.forward(x, w, bias, plain)
    engine.forward(x, w, bias, rectified, slope)
    assert (plain < 0).any()
    np.testing.assert_array_equal(rectified, np.where(plain > 0, plain, slope * plain))


def test_pixels_in_the_lanes_for_layers_that_share_memory():
    """The zeros around images lie where the other's pixels did."""
    workspace = Workspace()
    for size, pad in (((9, 12), (0, 0)), ((7, 5), (1, 2)), ((9, 12), (0, 0))):
        g = Geometry(2, 3, 1, (3, 3), pad, (1, 1), (1, 1)).over(3, size, fail)
        check(PixelConvolution(g, np.float64, workspace, Im2colConvolution(g, np.float64, workspace)), g, np.float64,
              1e-11)


@pytest.mark.parametrize("g", [
    Geometry(3, 4, 1, (2,), (1,), (2,), (1,)).over(2, (7,), fail),
    Geometry(4, 6, 2, (2, 3, 1), (1, 0, 2), (1, 2, 1), (2, 1, 1)).over(3, (5, 7, 4), fail),
    Geometry(1, 2, 1, (2, 1, 2, 3), (0, 1, 0, 0), (1, 1, 1, 1), (1, 1, 2, 1)).over(2, (3, 2, 4, 5), fail),
    Geometry(3, 4, 1, (), (), (), ()).over(5, (), fail),
])
def test_other_numbers_of_dimensions(g):
    check(Im2colConvolution(g, np.float64, Workspace()), g, np.float64, 1e-11)


def test_patches_in_several_blocks(monkeypatch):
    monkeypatch.setattr("caffe_lite.layers.convolution_im2col.BLOCK", 100)
    g = Geometry(2, 3, 1, (3, 2), (1, 1), (1, 2), (1, 1)).over(3, (9, 8), fail)
    check(Im2colConvolution(g, np.float64, Workspace()), g, np.float64, 1e-11)


@settings(max_examples=40)
@given(num=st.integers(1, 5), group=st.integers(1, 2), channels=st.integers(1, 19), outputs=st.sampled_from([1, 16, 70]),
       axes=st.lists(st.tuples(st.integers(3, 9), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.integers(1, 2)),
                     max_size=3), dtype=st.sampled_from([np.float32, np.float64]))
def test_channels_in_the_lanes(num, group, channels, outputs, axes, dtype):
    size, kernel, pad, stride, dilation = zip(*axes, strict=True) if axes else [()] * 5
    assume(np.prod(size) < 300)
    base = Geometry(channels * group, outputs * group, group, kernel, pad, stride, dilation)
    try:
        g = base.over(num, size, fail)
    except ShapeError:
        assume(False)
    check(ChannelConvolution(g, dtype, Workspace()), g, dtype, 2e-4 if dtype is np.float32 else 1e-11)


@settings(max_examples=40)
@given(num=st.integers(1, 7), group=st.integers(1, 2), channels=st.integers(1, 19), outputs=st.sampled_from([1, 16, 70]),
       size=st.tuples(st.integers(3, 19), st.integers(3, 19)), form=st.sampled_from(list(FORMS)),
       pad=st.tuples(st.integers(0, 4), st.integers(0, 4)), dtype=st.sampled_from([np.float32, np.float64]))
def test_fewer_multiplications(num, group, channels, outputs, size, form, pad, dtype):
    taps = FORMS[form].taps
    assume(max(pad) < taps)
    base = Geometry(channels * group, outputs * group, group, (taps, taps), pad, (1, 1), (1, 1))
    try:
        g = base.over(num, size, fail)
    except ShapeError:
        assume(False)
    with only(form):
        check(WinogradConvolution(g, dtype, Workspace()), g, dtype, 2e-4 if dtype is np.float32 else 1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_fewer_multiplications_in_several_bands_and_parts(form):
    taps = FORMS[form].taps
    g = Geometry(290, 130, 1, (taps, taps), (1, 0), (1, 1), (1, 1)).over(2, (33, 18), fail)
    with only(form):
        check(WinogradConvolution(g, np.float64, Workspace()), g, np.float64, 5e-11)


def only(form):
    """Whatever is fastest, this form of it is taken."""
    taps = FORMS[form].taps
    return patch.dict(CHOICES, {taps: {form: CHOICES[taps][form]}})


@settings(max_examples=25)
@given(num=st.integers(1, 2 * lanes(4) + 1), group=st.integers(1, 2), channels=st.integers(1, 7),
       outputs=st.integers(1, 19), size=st.tuples(st.integers(5, 14), st.integers(5, 14)),
       pad=st.tuples(st.integers(0, 4), st.integers(0, 4)), dtype=st.sampled_from([np.float32, np.float64]))
def test_fewer_multiplications_of_many_images(num, group, channels, outputs, size, pad, dtype):
    base = Geometry(channels * group, outputs * group, group, (5, 5), pad, (1, 1), (1, 1))
    g = base.over(num, size, fail)
    check(ImageWinogradConvolution(g, dtype, Workspace()), g, dtype, 2e-4 if dtype is np.float32 else 1e-11)


def test_fewer_multiplications_of_images_in_several_parts():
    g = Geometry(20, 50, 1, (5, 5), (2, 1), (1, 1), (1, 1)).over(5 * lanes(8), (21, 18), fail)
    check(ImageWinogradConvolution(g, np.float64, Workspace()), g, np.float64, 2e-11)


@pytest.mark.parametrize("form", [4, 7])
def test_an_infinity_is_seen_where_the_definition_sees_it(form):
    """In larger tiles it is seen by their other outputs too."""
    taps = FORMS[form].taps
    g = Geometry(16, 16, 1, (taps, taps), (1, 1), (1, 1), (1, 1)).over(1, (8, 9), fail)
    w = np.random.default_rng(0).standard_normal(16 * 16 * taps ** 2).astype(np.float32)
    y = np.zeros((2, 16 * g.pixels), np.float32)
    for place in range(g.plane):
        x = np.ones(16 * g.plane, np.float32)
        x[place] = np.inf
        with only(form):
            WinogradConvolution(g, np.float32, Workspace()).forward(x, w, None, y[0])
        ChannelConvolution(g, np.float32, Workspace()).forward(x, w, None, y[1])
        np.testing.assert_array_equal(*np.isfinite(y))


@pytest.mark.parametrize("num", [1, 7])  # all pixels at once, or image after image
def test_filters_in_several_parts(num):
    g = Geometry(130, 70, 1, (3, 2), (1, 0), (1, 1), (1, 1)).over(num, (5, 8), fail)
    check(ChannelConvolution(g, np.float64, Workspace()), g, np.float64, 1e-11)


@pytest.mark.parametrize("kind", [ChannelConvolution, WinogradConvolution, ImageWinogradConvolution, PixelConvolution])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_same_bits_on_any_number_of_threads(threads, kind, monkeypatch):
    def results():
        others = [ChannelConvolution(g, np.float32, Workspace())] if kind is PixelConvolution else []
        engine = kind(g, np.float32, Workspace(), *others)
        y, dx, dw = (np.zeros(n, np.float32) for n in (dy.size, x.size, w.size))
        engine.forward(x, w, None, y)
        engine.backward_data(dy, w, dx)
        engine.backward_weight(x, dy, dw, None)
        return y, dx, dw

    num = 2 * lanes(4) + 3
    g = Geometry(18, 34, 1, (5, 5), (2, 2), (1, 1), (1, 1)).over(num, (19, 17), fail)
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal(num * n * 19 * 17).astype(np.float32) for n in (18, 34))
    w = rng.standard_normal(34 * 18 * 25).astype(np.float32)
    expected = results()
    monkeypatch.setattr("caffe_lite.parallel._threads", threads)
    for a, b in zip(results(), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("num", "channels", "outputs", "kernel", "engine"), [
    (lanes(4), 2, 3, 3, DirectConvolution),
    (1, 5, 1, 3, Im2colConvolution),
    (1, 2, lanes(4), 3, ChannelConvolution),
    (3, 64, 64, 3, WinogradConvolution),
    (6, 64, 64, 5, WinogradConvolution),
    (2 * lanes(4), 20, 50, 5, ImageWinogradConvolution),
    (1, 64, 4 * lanes(4), 2, ChannelConvolution),
    (lanes(4), 2, lanes(4), 1, ChannelConvolution),
    (0, 2, lanes(4), 3, Im2colConvolution),
])
def test_the_fastest_way_is_taken(num, channels, outputs, kernel, engine):
    g = Geometry(channels, outputs, 1, (kernel, kernel), (0, 0), (1, 1), (1, 1)).over(num, (9, 8), fail)
    assert type(choose_engine(g, np.float32, Workspace())) is engine


@pytest.mark.parametrize(("num", "channels", "outputs", "size", "kernel"), [
    (64, 1, 20, (28, 28), 5), (1, 1, 20, (28, 28), 5), (10, 3, 32, (32, 31), 5), (64, 1, 32, (28, 28), 3),
])
def test_few_channels(num, channels, outputs, size, kernel):
    g = Geometry(channels, outputs, 1, (kernel, kernel), (0, 0), (1, 1), (1, 1)).over(num, size, fail)
    assert type(choose_engine(g, np.float32, Workspace())) is PixelConvolution


@pytest.mark.parametrize(("num", "fields"), [
    (9, "num_output: 4 kernel_size: 3"),
    (3, "num_output: 4 kernel_h: 3 kernel_w: 2 stride_h: 2 pad_w: 1 stride_w: 1 pad_h: 0 group: 2 bias_term: false"),
    (3, "num_output: 2 kernel_size: 2 dilation: 2 pad: 1 force_nd_im2col: true"),
])
def test_gradient(num, fields):
    x = np.random.default_rng(2).standard_normal((num, 2, 5, 6))
    check_gradient(layer(fields), {"x": x})


def test_gradient_of_shared_filters_and_another_axis():
    rng = np.random.default_rng(2)
    inputs = {name: rng.standard_normal((2, 3, 4, 5)) for name in "ab"}
    check_gradient(layer("num_output: 2 kernel_size: 2", "ab", "yz"), inputs)
    check_gradient(layer("num_output: 3 kernel_size: 2 axis: -2"), {"x": inputs["a"]})


def test_a_new_batch_size():
    n = net("num_output: 3 kernel_size: 2", 2, 1, 4, 5)
    data = np.random.default_rng(1).standard_normal((17, 1, 4, 5))
    n.blobs["x"].data[...] = data[:2]
    n.forward()
    first = n.blobs["y"].data.copy()
    n.blobs["x"].reshape(data.shape)
    n.blobs["x"].data[...] = data
    n.forward()
    assert n.blobs["y"].shape == (17, 3, 3, 4)
    np.testing.assert_allclose(n.blobs["y"].data[:2], first, atol=1e-6)


def test_a_kernel_that_reaches_over_the_edge_by_less_than_a_stride():
    """Caffe's integer division rounds towards 0."""
    n = net("num_output: 1 kernel_size: 3 stride: 2", 1, 1, 2, 2)
    n.blobs["x"].data[...] = 1
    n.layers[1].blobs[0].data[...] = 1
    n.forward()
    assert n.blobs["y"].data.tolist() == [[[[4.0]]]]


@pytest.mark.parametrize("num", [1, lanes(4)])
def test_opposite_gradients_cancel(num):
    """As in a siamese net with shared parameters: what the second layer adds to the bias takes away all."""
    n = net("num_output: 3 kernel_size: 2", num, 1, 9, 8)
    rng = np.random.default_rng(1)
    n.blobs["x"].data[...] = rng.standard_normal(n.blobs["x"].shape)
    dy = rng.standard_normal(n.blobs["y"].shape)
    for sign in (1, -1):
        n.blobs["y"].diff[...] = sign * dy
        n.layers[1].backward(n.tops[1], [False], n.bottoms[1])
        assert sign < 0 or n.layers[1].blobs[1].diff.any()
    assert all((blob.diff == 0).all() for blob in n.layers[1].blobs)


@pytest.mark.parametrize("wanted", [(True, False), (False, True), (False, False)])
def test_only_the_gradients_that_are_wanted(wanted):
    n = net("num_output: 3 kernel_size: 2", 2, 1, 4, 5)
    n.layers[1].param_propagate_down[:] = wanted
    n.blobs["x"].data[...] = n.blobs["y"].diff[...] = 1
    n.layers[1].backward(n.tops[1], [False], n.bottoms[1])
    assert [bool(blob.diff.any()) for blob in n.layers[1].blobs] == list(wanted)


@pytest.mark.parametrize(("fields", "message"), [
    ("num_output: 3", "kernel_size must be specified once, or once for each of the 2 spatial axes; found 0"),
    ("num_output: 3 kernel_size: 0", r"kernel dimensions must be nonzero, found \[0, 0\]"),
    ("num_output: 3 kernel_size: 2 stride: 0", "stride dimensions must be nonzero"),
    ("num_output: 3 kernel_size: 2 kernel_h: 2", "either kernel_size or kernel_h and kernel_w"),
    ("num_output: 3 kernel_size: 2 pad: 1 pad_h: 2", "either pad or pad_h and pad_w"),
    ("num_output: 3 kernel_size: 2 stride: 1 stride: 1 stride: 1", "found 3 time"),
    ("kernel_size: 2", "num_output must be 1 or more"),
    ("num_output: 3 kernel_size: 2 group: 2", "multiples of group 2"),
    ("num_output: 4 kernel_size: 2 group: 3", "multiples of group 3"),
    ("num_output: 4 kernel_size: 2 axis: 4", "axis 4 is out of range"),
    ("num_output: 4 kernel_h: 2 kernel_w: 2 axis: 2", "are for 2 spatial axes, the bottom has 1"),
])
def test_parameters_that_cannot_be(fields, message):
    with pytest.raises(ParameterError, match=message) as caught:
        net(fields, 2, 4, 6, 5)
    assert "layer 'c' (Convolution)" in str(caught.value)


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match="does not fit"):
        net("num_output: 3 kernel_size: 7", 2, 4, 6, 5)
    with pytest.raises(ShapeError, match="all bottoms must have one shape"):
        make_net(input_layers(a=(1, 2, 4, 4), b=(1, 2, 5, 4)) + layer("num_output: 1 kernel_size: 1", "ab", "yz"))
    with pytest.raises(GraphError, match="one top for each bottom"):
        make_net(input_layers(a=(1, 2, 4, 4), b=(1, 2, 4, 4)) + layer("num_output: 1 kernel_size: 1", "ab", "y"))
    n = net("num_output: 3 kernel_size: 2", 2, 4, 6, 5)
    n.blobs["x"].reshape((2, 5, 6, 5))
    with pytest.raises(ShapeError, match="the filters are for 4 channels"):
        n.forward()


@pytest.mark.parametrize(("units", "work", "expected"), [(8, 1 << 20, 8), (8, 1 << 21, 4), (8, 1 << 30, 1), (3, 0, 3 << 20)])
def test_little_work_stays_on_one_thread(units, work, expected):
    assert enough_units(units, work) == expected
