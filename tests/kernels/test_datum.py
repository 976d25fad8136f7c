"""Datum messages: the kernel against protobuf, whatever the order of the fields."""

import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite import schema
from caffe_lite.errors import DataError
from caffe_lite.kernels import datum as kernel
from caffe_lite.sources.datum import Datums

int32 = st.integers(-(2**31), 2**31 - 1)


def varint(n):
    n &= (1 << 64) - 1
    parts = []
    while n > 127:
        parts.append(n & 127 | 128)
        n >>= 7
    return bytes([*parts, n])


def tag(number, wire):
    return varint(number << 3 | wire)


known = st.one_of(
    st.builds(lambda number, value: tag(number, 0) + varint(value), st.sampled_from((1, 2, 3, 5)), int32),
    st.builds(lambda value: tag(7, 0) + varint(value), st.booleans()),
    st.builds(lambda data: tag(4, 2) + varint(len(data)) + data, st.binary(max_size=200)),
    st.builds(lambda value: tag(6, 5) + struct.pack("<f", value), st.floats(width=32)),
    st.builds(
        lambda values: tag(6, 2) + varint(4 * len(values)) + struct.pack(f"<{len(values)}f", *values),
        st.lists(st.floats(width=32), max_size=5),
    ),
)
number = st.one_of(st.integers(8, 20), st.integers(1 << 20, (1 << 29) - 1))
unknown = st.one_of(
    st.builds(lambda n, value: tag(n, 0) + varint(value), number, st.integers(0, 2**64 - 1)),
    st.builds(lambda n, data: tag(n, 1) + data, number, st.binary(min_size=8, max_size=8)),
    st.builds(lambda n, data: tag(n, 5) + data, number, st.binary(min_size=4, max_size=4)),
    st.builds(lambda n, data: tag(n, 2) + varint(len(data)) + data, number, st.binary(max_size=9)),
    st.just(tag(4, 0) + varint(5)),  # a known field of another type counts as unknown
    st.just(tag(1, 2) + varint(1) + b"x"),
)


def parse(data):
    """What the kernel makes of one record; None when it is no Datum."""
    before = b"\x08\x07"  # not part of the record
    buffer = np.frombuffer(before + data + b"\xff", np.uint8)
    fields = np.full((1, kernel.COLUMNS), -5, np.int64)
    bounds = np.array([len(before), len(before) + len(data)])
    if kernel.parse_datums(buffer, bounds, fields) >= 0:
        return None
    row = fields[0]
    floats = np.empty(row[kernel.FLOATS], np.float32)
    if floats.size:
        kernel.read_floats(buffer, *bounds, floats.view(np.uint8))
    pixels = buffer[row[kernel.DATA] : row[kernel.DATA] + row[kernel.DATA_SIZE]].tobytes()
    shape = (row[kernel.CHANNELS], row[kernel.HEIGHT], row[kernel.WIDTH])
    return *(int(n) for n in shape), int(row[kernel.LABEL]), bool(row[kernel.ENCODED]), pixels, floats.tobytes()


def expected(data):
    try:
        d = schema.Datum.FromString(data)
    except DecodeError:
        return None
    floats = [] if d.data or d.encoded else d.float_data  # in Caffe bytes come before floats
    return d.channels, d.height, d.width, d.label, d.encoded, d.data, np.array(floats, np.float32).tobytes()


@given(st.lists(st.one_of(known, unknown), max_size=12))
def test_fields_in_any_order(parts):
    data = b"".join(parts)
    assert parse(data) is not None
    assert parse(data) == expected(data)


@given(st.lists(st.one_of(known, unknown), min_size=1, max_size=4), st.data())
def test_cut_off(parts, data):
    """A record that ends within a field is none; between two fields nobody can tell."""
    whole = b"".join(parts)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    assert parse(cut) == expected(cut)


@given(st.binary(max_size=40))
def test_what_protobuf_refuses_is_refused(data):
    if expected(data) is None:
        assert parse(data) is None


def test_caffes_own_records():
    data = bytes.fromhex("0802 1003 1801 2206 000102fdfeff 2809")
    assert parse(data) == (2, 3, 1, 9, False, b"\x00\x01\x02\xfd\xfe\xff", b"")


def test_the_first_bad_record_is_named():
    good = b"\x08\x01"
    with pytest.raises(DataError, match=r"db, key 'k\\\\xff2': this is no Datum"):
        Datums([(b"k1", good), (b"k\xff2", b"\x22\x7f"), (b"k3", b"\x22\x7f")], "db")


def test_an_encoded_image_that_is_none():
    record = schema.Datum(channels=3, encoded=True, data=b"JFIF").SerializeToString()
    with pytest.raises(DataError, match="Could not load db, key 'b': it is no image"):
        Datums([(b"a", b""), (b"b", record)], "db")


def test_bytes_come_before_floats():
    both = schema.Datum(channels=1, height=1, width=2, data=b"\x01\x02", float_data=[5.0, 6.0], label=-3)
    only = schema.Datum(channels=1, height=1, width=2, float_data=[7.0, 8.5])
    datums = Datums([(b"a", both.SerializeToString()), (b"b", only.SerializeToString())], "db")
    assert datums.sizes.tolist() == [2, 2]
    assert datums.floats.tolist() == [7.0, 8.5]
    assert datums.buffer[datums.begins[0] :][:2].tolist() == [1, 2]
    assert datums.labels.tolist() == [-3, 0]


def test_without_the_compiler():
    """The kernels are plain Python, too."""
    run = "import numpy; from caffe_lite.sources.datum import Datums; print(Datums([(b'', b'{}')], '').labels)"
    record = "\\x08\\x02\\x28\\xfd\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x01\\x22\\x01\\xff"
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", run.format(record)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (out.stdout, out.stderr) == ("[-3]\n", "")
