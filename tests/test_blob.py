"""The memory of blobs: where it begins, how long it stays, who shares it."""

import numpy as np
import pytest

from caffe_lite.aligned import zeros
from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_begins_with_a_cache_line(dtype):
    for count in (1, 3, 17, 1000, 100_003):
        array = zeros(count, dtype)
        assert (array.size, array.dtype, array.ctypes.data % 64) == (count, dtype, 0)
        assert array.flags.writeable
        assert not array.any()


def test_memory_stays_while_it_suffices():
    blob = Blob((4, 5))
    values = blob.data
    values[...] = 3
    assert blob.data is values
    blob.reshape((2, 3))
    assert blob.data.shape == (2, 3)
    assert np.shares_memory(blob.data, values)
    assert (blob.data == 3).all()
    blob.reshape((5, 7))
    assert not np.shares_memory(blob.data, values)
    assert not blob.data.any()


def test_an_empty_blob():
    assert Blob((0, 3)).data.shape == (0, 3)


def test_shared_values_grow_together():
    first, second = Blob((2, 3)), Blob((6,))
    second.share_data(first)
    first.data[...] = 1
    assert second.data.tolist() == [1] * 6
    first.reshape((4, 3))
    first.data[...] = 2
    assert second.data.tolist() == [2] * 6
    assert not second.diff.any()


def test_another_count_cannot_share():
    with pytest.raises(ShapeError, match=r"shape \(2, 3\) \(6 elements\) cannot share memory with one of shape \(7,\) \(7 elements\)"):
        Blob((2, 3)).share_data(Blob((7,)))
