"""Caffe's windows in onnxruntime: any kernel, stride and padding."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.export import check, message_of, nets_of
from support.layers import input_layers

from caffe_lite.errors import ExportError, ParameterError, ShapeError
from caffe_lite.export.model import to_onnx
from caffe_lite.export.verify import compare

METHODS = ("MAX", "AVE", "STOCHASTIC")


@pytest.fixture(autouse=True, scope="module")
def plain_kernels():
    """Vector code would be compiled for each window anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("caffe_lite.layers.pooling.COMPILED", False)
        yield


def pooling(method, kernel, stride, pad, rounding="CEIL", tops='top: "y"'):
    sizes = " ".join(f"{name}_{axis}: {n}" for name, pair in (("kernel", kernel), ("stride", stride), ("pad", pad))
                     for axis, n in zip("hw", pair, strict=True))
    before = 'layer { name: "a" type: "AbsVal" bottom: "x" top: "a" }' if method == "STOCHASTIC" else ""
    return (f'{before} layer {{ name: "p" type: "Pooling" bottom: "{"a" if before else "x"}" {tops} pooling_param {{ pool: {method} {sizes} '
            f'round_mode: {rounding} }} }}')


@pytest.mark.parametrize(("method", "place"), [*((method, False) for method in METHODS), ("MAX", True)])
@settings(max_examples=25)
@given(size=st.tuples(st.integers(1, 11), st.integers(1, 11)),
       kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)), stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
       pad=st.tuples(st.integers(0, 4), st.integers(0, 4)), rounding=st.sampled_from(("CEIL", "FLOOR")))
def test_any_window(method, place, size, kernel, stride, pad, rounding):
    pad = (0, 0) if method == "STOCHASTIC" else tuple(min(p, k - 1) for p, k in zip(pad, kernel, strict=True))
    text = input_layers(x=(2, 3, *size)) + pooling(method, kernel, stride, pad, rounding, 'top: "y" top: "m"' if place else 'top: "y"')
    try:
        nets = nets_of(message_of(text))
    except (ShapeError, ParameterError):
        assume(False)
    try:
        model = to_onnx(nets)
    except ExportError:
        assume(any(s > k for s, k in zip(stride, kernel, strict=True)))
        return
    worst = compare(model.SerializeToString(), nets, nets[0].outputs)
    assert max(worst.values()) < 1e-5


@pytest.mark.parametrize(("size", "kernel", "stride", "pad", "out"), [
    ((4, 6), (3, 3), (2, 2), (0, 0), (2, 3)),  # the last window reaches over the edge
    ((5, 7), (3, 3), (2, 2), (1, 1), (3, 4)),  # padding at both ends
    ((4, 7), (3, 2), (3, 2), (1, 1), (2, 4)),  # a window that would begin in the padding is left out
    ((6, 8), (4, 5), (3, 3), (1, 2), (3, 4)),  # beyond the padding, where average pooling divides by less
])
@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_windows(method, size, kernel, stride, pad, out):
    model = check(input_layers(x=(2, 3, *size)) + pooling(method, kernel, stride, pad))
    assert [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim[2:]] == list(out)


@pytest.mark.parametrize("method", METHODS)
def test_the_whole_plane(method):
    model = check(input_layers(x=(2, 3, 5, 7)) + 'layer { name: "p" type: "Pooling" bottom: "x" top: "y" pooling_param { '
                  f'pool: {method} global_pooling: true }} }}')
    assert len(model.graph.node) == (1 if method != "STOCHASTIC" else 6)


def test_places_count_from_the_beginning_of_their_plane():
    nets = nets_of(message_of(input_layers(x=(2, 3, 5, 7)) + pooling("MAX", (2, 3), (2, 2), (0, 1), tops='top: "y" top: "m"')))
    compare(to_onnx(nets).SerializeToString(), nets, nets[0].outputs)
    x, m = (nets[0].blobs[name].data.reshape(6, -1) for name in "xm")
    assert np.array_equal(np.take_along_axis(x, m.astype(int), 1), nets[0].blobs["y"].data.reshape(6, -1))
