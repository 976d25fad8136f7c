"""Writing prototxt: what protobuf's C++ prints, and so Caffe's logs."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import messages

from caffe_lite import schema
from caffe_lite.schema import FillerParameter, NetParameter, SolverParameter, format_text, parse_text

DATA = Path(__file__).parents[1] / "data" / "schema"


@pytest.mark.parametrize(("name", "cls"), [("siamese_solver.txt", SolverParameter), ("siamese_net.txt", NetParameter)])
def test_recorded_from_caffes_log(name, cls):
    text = (DATA / name).read_text()
    assert format_text(parse_text(text, cls)) == text


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        # recorded: what Caffe's tools made of prototxt files
        ("0.01333333", "0.0133333299"),
        ("0.0039215684", "0.00392156839"),
        ("0.00390625", "0.00390625"),
        ("0.0009765625", "0.0009765625"),
        ("0.00001", "1e-05"),
        ("0.00005", "5e-05"),
        ("0.0001", "0.0001"),
        ("1.0", "1"),
        # by the same rule: six significant digits, or nine
        ("1000000", "1e+06"),
        ("999999", "999999"),
        ("1234567", "1234567"),
        ("123456789", "123456792"),
        ("0.1", "0.1"),
        ("3.4028235e38", "3.40282347e+38"),
        ("1e-45", "1.4013e-45"),
        ("-0.0", "-0"),
        ("1e60", "inf"),
        ("-inf", "-inf"),
        ("nan", "nan"),
    ],
)
def test_floats(written, printed):
    assert format_text(parse_text(f"value: {written}", FillerParameter)) == f"value: {printed}\n"


def test_doubles():
    assert format_text(schema.BlobProto(double_data=[0.1, 1 / 3, 1e15, 1e16])) == (
        "double_data: 0.1\ndouble_data: 0.33333333333333331\ndouble_data: 1e+15\ndouble_data: 1e+16\n"
    )


def test_everything_else():
    net = NetParameter(name="a\"b'\\\n\t\ré\x01", force_backward=False, input=["x", "y"])
    net.input_shape.add(dim=[-1, 2])
    net.layer.add(phase=schema.TRAIN, propagate_down=[True]).relu_param.SetInParent()
    assert format_text(net) == (
        'name: "a\\"b\\\'\\\\\\n\\t\\r\\303\\251\\001"\ninput: "x"\ninput: "y"\nforce_backward: false\n'
        "input_shape {\n  dim: -1\n  dim: 2\n}\n"
        "layer {\n  phase: TRAIN\n  propagate_down: true\n  relu_param {\n  }\n}\n"
    )
    assert format_text(schema.Datum(data=b"\xff\0a")) == 'data: "\\377\\000a"\n'


@given(messages("NetParameter"))
def test_reading_gives_the_same_net_back(net):
    assert parse_text(format_text(net), NetParameter) == net


@given(messages("SolverParameter"))
def test_reading_gives_the_same_solver_back(solver):
    assert parse_text(format_text(solver), SolverParameter) == solver


@given(st.floats(width=32, allow_nan=False))
def test_any_float_comes_back(value):
    read = parse_text(format_text(FillerParameter(value=value)), FillerParameter).value
    assert np.float32(read) == np.float32(value)
