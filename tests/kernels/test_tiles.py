"""Rows cut into tiles: every product of a pixel and a tap that is inside the image is done once, no other."""

from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.kernels.tiles import reach, runs


@given(size=st.integers(1, 40), taps=st.integers(1, 7), stride=st.integers(1, 4), dilation=st.integers(1, 3),
       pad=st.integers(-4, 9), pixels=st.integers(1, 5))
def test_runs(size, taps, stride, dilation, pad, pixels):
    out = max(1, (size + 2 * pad - dilation * (taps - 1) - 1) // stride + 1)
    done = set()
    expected_first = 0
    for run in runs(out, size, taps, stride, dilation, pad, pixels):
        assert run.first == expected_first
        assert 1 <= run.pixels <= pixels
        for tile in range(run.tiles):
            first = run.first + tile * run.pixels
            for p in range(run.pixels):
                for j in range(taps):
                    if run.lo <= p * stride + j * dilation < run.hi:
                        done.add((first + p, j))
        expected_first = run.first + run.tiles * run.pixels
    assert expected_first == out
    assert done == {(p, j) for p in range(out) for j in range(taps) if 0 <= p * stride - pad + j * dilation < size}


@given(first=st.integers(-20, 20), step=st.integers(1, 4), count=st.integers(0, 9), size=st.integers(1, 12))
def test_reach(first, step, count, size):
    begin, end = reach(first, step, count, size)
    assert 0 <= begin <= end <= count
    assert list(range(begin, end)) == [i for i in range(count) if 0 <= first + i * step < size]
