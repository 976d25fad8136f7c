"""Binary messages, and what is said of bytes that are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import messages

from caffe_lite import schema
from caffe_lite.errors import SchemaError
from caffe_lite.schema import LayerParameter, NetParameter, SolverState, format_text, parse_binary

STATE = schema.SolverState(iter=7, learned_net="x_iter_7.caffemodel")
NET = schema.NetParameter(name="n", layer=[schema.LayerParameter(name="conv1", type="Convolution")])


def problem(data, cls=NetParameter):
    with pytest.raises(SchemaError) as caught:
        parse_binary(data, cls, "x.caffemodel")
    assert str(caught.value).startswith("x.caffemodel: ")
    return str(caught.value)


@given(messages("NetParameter"))
def test_round_trip(net):
    assert parse_binary(net.SerializeToString(), NetParameter) == net


def test_nothing_is_the_empty_message():
    assert parse_binary(b"", NetParameter) == NetParameter()


@pytest.mark.parametrize("length", range(2, len(NET.SerializeToString())))
def test_cut_short(length):
    data = NET.SerializeToString()[:length]
    if length == 3:  # the end of a field: the name
        assert parse_binary(data, NetParameter).name == "n"
    else:
        assert f"{length} bytes that are no whole NetParameter. The file is cut short" in problem(data)


def test_the_other_kinds_of_files_are_named():
    assert "This looks like a solver state (.solverstate)" in problem(STATE.SerializeToString())
    assert "This looks like a net with weights (.caffemodel)" in problem(NET.SerializeToString(), SolverState)
    blob = schema.BlobProto(num=1, channels=3, height=2, width=2, data=[0.0] * 12)
    assert "This looks like a blob or mean file" in problem(blob.SerializeToString())
    assert "This is text" in problem(format_text(NET).encode())
    assert "ends in .h5" in problem(b"\x89HDF\r\n\x1a\n" + bytes(100))


def test_another_kind_that_could_be_read_too():
    mean = schema.array_to_blob(np.zeros((3, 2, 2), np.float32))
    assert "a blob or mean file" in problem(mean.SerializeToString())
    assert "a solver state" in problem(STATE.SerializeToString(), schema.BlobProto)


def test_a_string_that_is_not_utf8():
    assert "no whole NetParameter" in problem(b"\x0a\x02\xff\xfe")
    assert "no whole NetParameter" in problem(b"\xa2\x06\x04\x1a\x02\xff\xfe")  # within a layer, repeated


def test_a_required_field_is_missing():
    layer = LayerParameter()
    layer.clip_param.min = 1
    with pytest.raises(SchemaError, match=r"this LayerParameter lacks clip_param.max"):
        parse_binary(layer.SerializePartialToString(), LayerParameter)


def test_unknown_fields_are_kept():
    unknown = b"\xc2\x3e\x03abc"  # field 1000
    data = NET.SerializeToString() + unknown
    assert unknown in parse_binary(data, NetParameter).SerializeToString()
    assert "abc" not in format_text(parse_binary(data, NetParameter))


@pytest.mark.parametrize(
    "data",
    [b"\xa3\x06" * 100_000, b"\x0b" * 100_000, b"\xa2\x06\xff\xff\xff\xff\x07", b"\xff" * 50],
    ids=["groups", "groups of field 1", "a length beyond the end", "an endless number"],
)
def test_hostile(data):
    problem(data)


@given(st.binary(), st.sampled_from([NetParameter, SolverState, schema.BlobProto, schema.Datum]))
def test_any_bytes_are_a_message_or_a_schema_error(data, cls):
    try:
        message = parse_binary(data, cls)
    except SchemaError:
        return
    format_text(message)
