"""Positions go to JSON and come back; what others write there does no harm."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from caffe_lite.errors import SnapshotError
from caffe_lite.snapshot.values import from_json, to_json

KINDS = st.sampled_from(["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"])
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    NUMBERS | KINDS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4), max_leaves=9)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return set(a) == set(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


@given(VALUES)
def test_there_and_back(value):
    text = to_json(value)
    assert "\n" not in text
    assert same(from_json(text), value)


def test_arrays_may_be_written_to():
    from_json(to_json(np.zeros(3)))[0] = 1


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": {2, 3}}, np.array(["a"]), np.array([None]), 1j])
def test_what_cannot_be_kept(value):
    with pytest.raises(SnapshotError, match=r"cannot be kept; have a Python layer's resume_state\(\) return numbers"):
        to_json(value)


def array(kind="<f4", shape=(2,), data="AAAAAAAAAAA="):
    return json.dumps({"$array": kind, "shape": shape, "base64": data})


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"$bytes": "?"}', '{"$bytes": 3}', array("|O"), array(shape=(10**12,)), array(shape=(-2,)),
             array(shape=3), array(shape=("a",)), array(data="AAAA"), array(data=None), array(kind=[]), array(kind=None),
             array(shape=(2, True)), '{"$array": "<f4"}'])  # fmt: skip
def test_broken(text):
    with pytest.raises(SnapshotError, match="not understood"):
        from_json(text)


@given(st.text())
def test_anything(text):
    with contextlib.suppress(SnapshotError):
        from_json(text)
