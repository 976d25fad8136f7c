"""What convolutions with channels in the lanes have in common: how they are cut, scaled and rectified."""

from __future__ import annotations

from math import ceil, lcm
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.kernels.bias import bias_gradient
from caffe_lite.kernels.gathered import MOST_VECTORS, SLACK, TILE_ROWS
from caffe_lite.layers.convolution_engine import Engine
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.parallel import parallel_for, threads

DEPTH = 256  # rows of a packed panel, which stays in the cache


class ScalingConvolution(Engine):
    """A convolution whose ``_forward`` scales and rectifies what it makes, and whose ``_weight`` adds to gradients."""

    _forward: Any
    _weight: Any

    def __init__(self, geometry: Geometry, dtype: Any) -> None:
        g = self._geometry = geometry
        self._ones, self._zeros = (np.full(max(g.channels, g.outputs), value, dtype) for value in (1, 0))

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array, slope: float = 1,
                factor: Array | None = None) -> None:
        """Overwrite ``y``; the products are multiplied by ``factor``, the sums rectified with this negative slope."""
        factor, bias = self._ones if factor is None else factor, self._zeros if bias is None else bias
        self._forward.run(x, w, factor, bias, y, slope)

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        g = self._geometry
        self._weight.run(x, dy, dw)
        if dbias is not None:
            parallel_for(bias_gradient, g.outputs, dy, g.num, g.pixels, dbias)


class Blocks:
    """``channels`` cut into blocks of lanes, of as nearly the same width as can be."""

    def __init__(self, channels: int, lanes: int) -> None:
        total = ceil(channels / lanes)
        self.count = ceil(total / MOST_VECTORS)
        self.vectors = ceil(total / self.count)
        self.wide = total - self.count * (self.vectors - 1)
        self.narrow = self.vectors if self.wide == self.count else self.vectors - 1
        self.width = self.vectors * lanes
        self.whole = lcm(TILE_ROWS[self.vectors], TILE_ROWS[self.narrow])  # rows that are whole tiles of both widths


def parts_of(rows: int, others: int, most: int, whole: int) -> tuple[int, int]:
    """Rows a part, which are ``whole`` tiles, and parts, so that ``others`` times the parts are spread evenly over the
    threads."""
    fewest = ceil(rows / most)
    choices = [ceil(ceil(rows / wanted) / whole) * whole for wanted in range(fewest, fewest + 2 * threads())]

    def cost(part: int) -> float:
        units = ceil(rows / part) * others
        return ceil(units / threads()) * threads() / units * (1 + 0.01 * (ceil(rows / part) - fewest))

    part = min(choices, key=cost)
    return part, ceil(rows / part)


def slack(rows: Array) -> Array:
    """A table with what a last tile may read over its end."""
    return np.concatenate([rows, np.repeat(rows[-1:], SLACK)])
