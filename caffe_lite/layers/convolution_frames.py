"""Where a convolution's outputs, and what its filters see, lie in planes with zeros around them: tables of offsets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import NamedTuple

import numpy as np

from caffe_lite.blob import Array

Positions = Sequence[Array]  # along each axis


class Frame:
    """Planes of ``size`` with ``low`` zeros before them on each axis and ``high`` after them."""

    def __init__(self, size: Sequence[int], low: Sequence[int], high: Sequence[int]) -> None:
        self.plane = prod(size)
        self._shape = [a + n + b for a, n, b in zip(low, size, high, strict=True)]
        self.framed = prod(self._shape)
        self.line = size[-1] if size else 1
        starts = [*(np.arange(n) for n in size[:-1]), np.zeros(1, np.int64)][:len(size)]  # of lines along the last axis
        self.sources = flat(starts, size)
        self.targets = self.places([start + a for start, a in zip(starts, low, strict=True)])

    def places(self, positions: Positions) -> Array:
        """The same in the framed plane."""
        return flat(positions, self._shape)


def flat(positions: Positions, shape: Sequence[int]) -> Array:
    """Where these positions along the axes, all combinations of them, lie in an array of this shape."""
    steps = [prod(shape[i + 1:]) for i in range(len(shape))]
    parts = [np.asarray(p, np.int64) * s for p, s in zip(positions, steps, strict=True)]
    return np.asarray(reduce(np.add.outer, parts, np.zeros((), np.int64))).reshape(-1)


class Phase(NamedTuple):
    inputs: Array
    elements: Array
    seen: Array
    back: Array


class Phases:
    """How the gradient of the input along an axis is a convolution of the output's gradient.

    Input q sees, through element j of the filter, output ``(q + pad - j * dilation) / stride`` where that is whole:
    inputs of the same remainder, a phase, see through the same elements. ``low`` and ``high`` are the zeros needed
    around the output. A phase has its inputs and elements, the output that element 0 shows to each input, and how far
    each element looks back from there.
    """

    def __init__(self, size: int, out: int, kernel: int, pad: int, stride: int, dilation: int) -> None:
        q, j = np.arange(size) + pad, np.arange(kernel) * dilation
        self.low = max(0, int(j[-1]) // stride - pad // stride)
        self.high = max(0, int(q[-1]) // stride - (out - 1))
        mine = [(q[q % stride == phase], j[j % stride == phase]) for phase in range(stride)]
        self.phases = [Phase(a - pad, b // dilation, self.low + a // stride, b // stride) for a, b in mine if len(a)]


def each(count: int, step: int, places: Array) -> Array:
    """The places in ``count`` images or planes that are ``step`` apart."""
    return (np.arange(count)[:, None] * step + places).reshape(-1)
