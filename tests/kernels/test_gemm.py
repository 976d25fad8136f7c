"""The vector code against the plain loops and numpy, over shapes that end in the middle of every tile."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caffe_lite.kernels.gemm_plain import gemm_dot_plain, gemm_plain
from caffe_lite.kernels.gemm_vector import DEPTH, DOT_DEPTH, DOT_PANEL, FEW_ROWS, PANEL, gemm_dot_vector, gemm_vector
from caffe_lite.kernels.vector import COMPILED

pytestmark = pytest.mark.skipif(not COMPILED, reason="vector code needs the compiler")

GUARD = 7.0  # written around C: nothing else may be touched


def run(kernel, a, a_steps, b, b_row, shape, begin, end, depth, accumulate):
    m, n = shape
    c = np.full((m + 2, n + 3), GUARD, a.dtype)
    c[1:-1, 2:-1] = np.arange(m * n, dtype=a.dtype).reshape(m, n) % 5
    flat = c.reshape(-1)
    kernel(begin, end, a.reshape(-1), 0, *a_steps, b.reshape(-1), 0, b_row, flat, n + 3 + 2, n + 3, m, depth,
           accumulate)
    return c


def check(m, n, k, begin, end, dtype, accumulate, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    base = np.full((m + 2, n + 3), GUARD)
    base[1:-1, 2:-1] = np.arange(m * n).reshape(m, n) % 5
    product = a.astype(np.float64) @ b
    part = (slice(1, m + 1), slice(2 + begin, 2 + end))
    base[part] = product[:, begin:end] + (base[part] if accumulate else 0)
    transposed_a, transposed_b = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    tolerance = (1e-5 if dtype == np.float32 else 1e-12) * max(1, k) ** 0.5
    for kernel in (gemm_vector, gemm_plain):
        for left, steps in ((a, (k, 1)), (transposed_a, (1, m))):
            found = run(kernel, left, steps, b, n, (m, n), begin, end, k, accumulate)
            np.testing.assert_allclose(found, base, atol=tolerance, rtol=tolerance)
    for kernel in (gemm_dot_vector, gemm_dot_plain):
        found = run(kernel, a, (k,), transposed_b, k, (m, n), begin, end, k, accumulate)
        np.testing.assert_allclose(found, base, atol=tolerance, rtol=tolerance)


@settings(max_examples=60)
@given(m=st.integers(1, 19), n=st.integers(1, 67), k=st.integers(1, 37),
       cut=st.tuples(st.integers(0, 66), st.integers(0, 67)), dtype=st.sampled_from([np.float32, np.float64]), accumulate=st.booleans(), seed=st.integers(0, 99))
def test_any_shape(m, n, k, cut, dtype, accumulate, seed):
    begin = min(cut[0], n - 1)
    check(m, n, k, begin, max(begin, min(cut[1], n)), dtype, accumulate, seed)


@pytest.mark.parametrize("k", [DEPTH - 1, DEPTH, DEPTH + 1, DOT_DEPTH + 3])
@pytest.mark.parametrize("accumulate", [False, True])
def test_depths_beyond_a_block(k, accumulate):
    check(3, 5, k, 0, 5, np.float32, accumulate, 1)


@pytest.mark.parametrize("m", [FEW_ROWS, FEW_ROWS + 1, FEW_ROWS + 5])
@pytest.mark.parametrize("accumulate", [False, True])
def test_few_rows_and_many(m, accumulate):
    check(m, 101, DEPTH + 5, 2, 99, np.float32, accumulate, 1)


@pytest.mark.parametrize(("m", "k"), [(33, 2 * DOT_DEPTH + 3), (3, DOT_PANEL // 3 + 5)])
def test_rows_longer_than_a_panel(m, k):
    check(m, 7, k, 1, 7, np.float32, False, 1)


def test_more_columns_than_a_panel_has():
    check(FEW_ROWS + 5, PANEL // DEPTH + 131, DEPTH + 1, 0, PANEL // DEPTH + 130, np.float32, True, 1)


@settings(max_examples=30)
@given(m=st.integers(1, 60), n=st.integers(1, 200), k=st.integers(1, 300), cut=st.integers(0, 200),
       accumulate=st.booleans())
@example(m=1, n=64, k=9, cut=1, accumulate=False)
def test_the_same_bits_however_the_columns_are_cut(m, n, k, cut, accumulate):
    rng = np.random.default_rng(m)
    a, b = rng.standard_normal((m, k)).astype(np.float32), rng.standard_normal((n, k)).astype(np.float32)
    turned, middle = np.ascontiguousarray(b.T), min(cut, n)
    for kernel, steps, right, b_row in ((gemm_vector, (k, 1), turned, n), (gemm_dot_vector, (k,), b, k)):
        results = []
        for parts in ([(0, n)], [(0, middle), (middle, n)]):
            c = np.ones((m, n), np.float32)
            for part in parts:
                kernel(*part, a.reshape(-1), 0, *steps, right.reshape(-1), 0, b_row, c.reshape(-1), 0, n, m, k,
                       accumulate)
            results.append(c)
        np.testing.assert_array_equal(*results)


def test_what_is_overwritten_may_be_nan():
    a, b, c = np.ones((2, 3), np.float32), np.ones((3, 5), np.float32), np.full((2, 5), np.nan, np.float32)
    gemm_vector(0, 5, a.reshape(-1), 0, 3, 1, b.reshape(-1), 0, 5, c.reshape(-1), 0, 5, 2, 3, False)
    assert (c == 3).all()
    c[...] = np.nan
    gemm_dot_vector(0, 5, a.reshape(-1), 0, 3, np.ones(15, np.float32), 0, 3, c.reshape(-1), 0, 5, 2, 3, False)
    assert (c == 3).all()


@pytest.mark.parametrize("m", [1, FEW_ROWS + 5])
def test_opposite_gradients_cancel(m):
    """The product is complete before it is added, so that adding the negative one leaves exactly 0."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(m * 64).astype(np.float32), rng.standard_normal((64, 10)).astype(np.float32)
    c = np.zeros(m * 10, np.float32)
    for sign in (1, -1):
        gemm_vector(0, 10, a * np.float32(sign), 0, 64, 1, b.reshape(-1), 0, 10, c, 0, 10, m, 64, True)
    assert (c == 0).all()
