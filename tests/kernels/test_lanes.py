"""Chunks of images: to the layout with the images innermost and back."""

import numpy as np
import pytest

from caffe_lite.kernels.lanes import pack, unpack
from caffe_lite.kernels.vector import COMPILED, lanes

pytestmark = pytest.mark.skipif(not COMPILED, reason="vector code needs the compiler")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("num", [1, 5, 16, 21, 32])
@pytest.mark.parametrize(("image", "start", "count"), [(40, 0, 40), (37, 3, 33), (7, 1, 5)])
def test_there_and_back(dtype, num, image, start, count):
    n = lanes(np.dtype(dtype).itemsize)
    images = np.random.default_rng(num).standard_normal((num, image)).astype(dtype)
    back = np.zeros_like(images)
    for chunk in range(-(-num // n)):
        packed = np.full((count, n), np.nan, dtype)
        pack(images.reshape(-1), image, start, count, chunk, num, packed.reshape(-1))
        there = images[chunk * n:(chunk + 1) * n, start:start + count]
        np.testing.assert_array_equal(packed[:, :len(there)], there.T)
        assert (packed[:, len(there):] == 0).all()
        unpack(packed.reshape(-1), back.reshape(-1), image, start, count, chunk, num)
    np.testing.assert_array_equal(back[:, start:start + count], images[:, start:start + count])
    back[:, start:start + count] = 0
    assert (back == 0).all()
