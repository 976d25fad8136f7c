"""The length of a gradient: blocks that end anywhere, and any number of threads."""

import numpy as np
import pytest

from caffe_lite import parallel
from caffe_lite.solvers.norm import BLOCK, GRAIN, sum_squares


@pytest.mark.parametrize("count", [0, 1, BLOCK, BLOCK + 1, 2 * GRAIN * BLOCK + 7])
def test_sum_squares(count, monkeypatch):
    array = np.random.default_rng(1).standard_normal(count).astype(np.float32)
    sums = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(parallel, "_threads", threads)
        sums.append(sum_squares(array))
    np.testing.assert_allclose(sums[0], np.dot(array.astype(np.float64), array), rtol=1e-12)
    assert sums == sums[:1] * 3
