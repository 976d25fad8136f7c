"""Copies and sums: all of what is asked for, and nothing beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.kernels.arrays import add, add_four, clear, copy_blocks, copy_range


@given(blocks=st.integers(0, 4), size=st.integers(0, 70), start=st.integers(0, 5), gap=st.integers(0, 3),
       dtype=st.sampled_from([np.float32, np.float64]))
def test_copied_blocks(blocks, size, start, gap, dtype):
    source, step = np.arange(1, 400, dtype=dtype), size + gap
    target = np.zeros(600, dtype)
    copy_blocks(1, blocks, source, start, size, target, 7, step, size)
    expected = np.zeros(600, dtype)
    for i in range(1, blocks):
        expected[7 + i * step:7 + i * step + size] = source[start + i * size:start + (i + 1) * size]
    np.testing.assert_array_equal(target, expected)


@pytest.mark.parametrize("out", ["a", "b", "other"])
def test_sums(out):
    parts = np.random.default_rng(2).normal(size=(4, 1001)).astype(np.float32)
    a, b, c, d = parts
    expected = a + b
    expected[:3], expected[-2:] = (a if out == "a" else b)[:3], (a if out == "a" else b)[-2:]
    arrays = {"a": a.copy(), "b": b.copy()}
    arrays["other"] = b.copy()
    add(3, 999, arrays["a"], arrays["b"], arrays[out])
    np.testing.assert_array_equal(arrays[out], expected)
    total = np.zeros_like(a)
    add_four(3, 999, a, b, c, d, total)
    np.testing.assert_array_equal(total[3:999], (((a + b) + c) + d)[3:999])
    assert not total[:3].any()
    assert not total[999:].any()


def test_a_copied_range():
    target = np.zeros(9, np.float32)
    copy_range(2, 5, np.arange(9, dtype=np.float32), target)
    assert target.tolist() == [0, 0, 2, 3, 4, 0, 0, 0, 0]


def test_clear():
    a = np.full(9, np.nan, np.float32)
    clear(2, 7, a)
    assert np.isnan(a).tolist() == [True] * 2 + [False] * 5 + [True] * 2
    assert (a[2:7] == 0).all()
