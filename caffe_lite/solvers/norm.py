"""The length of a gradient."""

from __future__ import annotations

from math import ceil

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.kernels.updates import sums_of_squares
from caffe_lite.parallel import parallel_for

BLOCK, GRAIN = 1 << 14, 8  # elements summed at once, and how many times that is worth a thread


def sum_squares(array: Array) -> float:
    """``Σ a²`` of a flat array, in float64, the same for any number of threads."""
    sums = np.empty(ceil(array.size / BLOCK))
    parallel_for(sums_of_squares, len(sums), array, BLOCK, sums, grain=GRAIN)
    return float(sums.sum())
