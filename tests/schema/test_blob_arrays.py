"""Blob messages and arrays, both ways."""

import time

import numpy as np
import pytest
from google.protobuf.internal import api_implementation
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from caffe_lite.errors import SchemaError
from caffe_lite.schema import BlobProto, array_to_blob, blob_shape, blob_to_array

SHAPES = arrays.array_shapes(min_dims=0, max_dims=5, min_side=1, max_side=3)


@given(arrays.arrays(st.sampled_from([np.float32, np.float64]), SHAPES))
def test_round_trip(array):
    blob = array_to_blob(array)
    back = blob_to_array(blob)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    name = "data" if array.dtype == np.float32 else "double_data"
    np.testing.assert_array_equal(getattr(blob, name), array.ravel())
    assert back.flags.writeable


def test_the_message_is_the_one_that_protobuf_makes():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    expected = BlobProto(data=range(6), diff=range(6, 12))
    expected.shape.dim.extend([2, 3])
    assert array_to_blob(array, array + 6).SerializeToString() == expected.SerializeToString()
    np.testing.assert_array_equal(blob_to_array(expected, diff=True), array + 6)


def test_long_payloads():
    array = np.random.default_rng(1).standard_normal((300, 70), dtype=np.float32)  # a length of three bytes
    np.testing.assert_array_equal(blob_to_array(array_to_blob(array, -array), diff=True), -array)


def test_other_arrays_become_floats():
    transposed = np.arange(6, dtype=np.int64).reshape(2, 3).T
    blob = array_to_blob(transposed)
    assert list(blob.data) == [0, 3, 1, 4, 2, 5]
    assert blob_to_array(blob).dtype == np.float32


def test_scalars_and_empty_arrays():
    assert not array_to_blob(np.float32(3).reshape(())).HasField("shape")
    empty = array_to_blob(np.zeros((0, 4), np.float32))
    assert (blob_shape(empty), blob_to_array(empty).shape) == ((0, 4), (0, 4))


def test_the_legacy_shape():
    blob = BlobProto(num=1, channels=2, height=1, width=3, data=range(6))
    blob.shape.dim.append(6)  # the older fields win, as in Caffe
    assert blob_to_array(blob).shape == (1, 2, 1, 3)
    assert blob_shape(BlobProto(channels=5)) == (0, 5, 0, 0)


@pytest.mark.parametrize("dim", [[2, 2], [7], [-2, -3], [2**40, 2**40], []])
def test_counts_that_do_not_fit(dim):
    blob = BlobProto(data=range(6))
    blob.shape.dim.extend(dim)
    with pytest.raises(SchemaError, match="holds 6 numbers in data"):
        blob_to_array(blob)


def test_a_diff_of_another_shape():
    with pytest.raises(SchemaError, match=r"\(2, 3\), and the diff \(3, 2\)"):
        array_to_blob(np.zeros((2, 3)), np.zeros((3, 2)))


@pytest.mark.skipif(api_implementation.Type() == "python", reason="only compiled protobuf is fast")
def test_a_million_numbers_take_milliseconds():
    array = np.ones(10**6, np.float32)
    start = time.perf_counter()
    blob_to_array(array_to_blob(array))
    assert time.perf_counter() - start < 0.2  # about 0.01 s; number by number 0.3 s
