"""The convolution with filters of 5 x 5 that saves multiplications, for batches that fill the lanes of a vector."""

from __future__ import annotations

from math import ceil, prod
from typing import Any

import numpy as np

from caffe_lite.kernels.bias import bias_gradient
from caffe_lite.kernels.gathered import MOST_VECTORS, TILE_ROWS
from caffe_lite.kernels.gemm_vector import SQUARE
from caffe_lite.kernels.vector import COMPILED, filled, lanes
from caffe_lite.kernels.winograd_forms import FORMS
from caffe_lite.kernels.winograd_images import (
    convolve,
    enter,
    filters_of_points,
    leave,
    point_gradient,
    points_of_filters,
    terms,
)
from caffe_lite.layers.convolution_blocks import parts_of, slack
from caffe_lite.layers.convolution_engine import Engine
from caffe_lite.layers.convolution_geometry import Geometry, Sizes
from caffe_lite.layers.grain import enough_units, grain
from caffe_lite.parallel import PerThread, Workspace, parallel_for

Array = np.ndarray[Any, Any]
POINTS = 11
FORM = FORMS[POINTS]
MOST_POINTS = 1 << 19  # elements of a row of points of a chunk of images: more do not stay in the cache
SUMMED = 48  # vectors that a part of the filters' gradient is summed over, at least
# Parts of the images over which filters' gradients are summed apart, each on the core that has its frames in its cache;
# their number does not depend on the threads', nor do the sums.
SHARES = 2


class ImageWinogradConvolution(Engine):
    def __init__(self, geometry: Geometry, dtype: Any, workspace: Workspace) -> None:
        g = geometry
        self._geometry, self._no_bias = g, np.zeros(max(g.channels, g.outputs), dtype)
        tiles = tuple(ceil(out / FORM.tile) for out in g.out)
        self._x = _Chunks("inputs", g.channels, g.num, g.size, tuple(t * FORM.tile + FORM.taps - 1 for t in tiles),
                          g.pad, dtype, workspace)
        self._y = _Chunks("outputs", g.outputs, g.num, g.out, tuple(t * FORM.tile for t in tiles), (0, 0), dtype,
                          workspace)
        self._filters = _Filters(prod(g.weight_shape[:2]), dtype, workspace)
        self._forward = _Pass(g, False, self._x, self._y, tiles, self._filters, dtype, workspace)
        self._data = _Pass(g, True, self._y, self._x, tiles, self._filters, dtype, workspace)
        self._weight = _FilterPass(g, self._x, self._y, tiles, self._filters, dtype, workspace)

    @staticmethod
    def rate(g: Geometry, dtype: Any) -> float:
        """About which part of the machine's rate it reaches, if all the products of the definition are counted."""
        n = lanes(np.dtype(dtype).itemsize)
        if not (COMPILED and g.num and g.kernel == (FORM.taps, FORM.taps) and g.stride == g.dilation == (1, 1)
                and max(g.pad) < FORM.taps):
            return 0
        c, o, tiles = g.channels // g.group, g.outputs // g.group, prod(ceil(out / FORM.tile) for out in g.out)
        if POINTS * max(c, o) * tiles * n > MOST_POINTS:
            return 0
        saved = prod(g.kernel) * g.pixels / (POINTS ** 2 * tiles)
        return 0.65 * filled(g.num, n) * saved / (1 + 7 / o + 3.7 / c)

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array, slope: float = 1) -> None:
        self._x.enter(x)
        self._forward.run(w, self._no_bias if bias is None else bias, y.dtype.type(slope))
        self._y.leave(y)

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        self._y.enter(dy)
        self._data.run(w, self._no_bias, dx.dtype.type(1))
        self._x.leave(dx)

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        self._y.enter(dy)
        self._add_weight(x, dy, dw, dbias)

    def backward(self, x: Array, dy: Array, w: Array, dw: Array | None, dbias: Array | None, dx: Array | None) -> None:
        if dw is None or dx is None:
            super().backward(x, dy, w, dw, dbias, dx)
            return
        self.backward_data(dy, w, dx)
        self._add_weight(x, dy, dw, dbias)  # with the output's gradient where it is

    def _add_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        self._x.enter(x)
        self._weight.run(dw)
        if dbias is not None:
            g = self._geometry
            parallel_for(bias_gradient, g.outputs, dy, g.num, g.pixels, dbias)


class _Chunks:
    """Planes of images side by side, in frames of the size that the tiles of an image reach over.

    Attributes:
        count: chunks.
        steps: elements from a line, and from a plane, to the next.
    """

    def __init__(self, name: str, planes: int, num: int, size: Sizes, framed: Sizes, before: Sizes, dtype: Any,
                 workspace: Workspace) -> None:
        n = lanes(np.dtype(dtype).itemsize)
        self.count, self.steps = ceil(num / n), (framed[1] * n, prod(framed) * n)
        self.framed = workspace.shared(f"framed {name}", self.count * planes * self.steps[1], dtype)
        self._units, self._grain = self.count * planes, grain(self.steps[1])
        self._args = (planes, num, (*size, *framed, *before), workspace.per_thread("plane", prod(size) * n, dtype))

    def enter(self, x: Array) -> None:
        parallel_for(enter, self._units, x, *self._args, self.framed, grain=self._grain)

    def leave(self, y: Array) -> None:
        parallel_for(leave, self._units, self.framed, *self._args, y, grain=self._grain)


class _Filters:
    """Filters and their points, which are ``pitch`` elements apart."""

    def __init__(self, count: int, dtype: Any, workspace: Workspace) -> None:
        n = lanes(np.dtype(dtype).itemsize)
        self._units, self.pitch = ceil(count / n), ceil(count / n) * n
        size = FORM.taps ** 2 + FORM.taps * POINTS + POINTS
        self._args = count, self.pitch, workspace.per_thread("turned", size * n, dtype)

    def to_points(self, w: Array, u: PerThread) -> None:
        parallel_for(points_of_filters(POINTS), self._units, w, *self._args, u, makes=u)

    def from_points(self, du: PerThread, shares: int, dw: Array) -> None:
        parallel_for(filters_of_points(POINTS), self._units, du, shares, *self._args, dw)


class _Pass:
    """From the inputs to the outputs, or ``back``."""

    def __init__(self, g: Geometry, back: bool, x: _Chunks, y: _Chunks, tiles: Sizes, filters: _Filters, dtype: Any,
                 workspace: Workspace) -> None:
        n, c, o = lanes(np.dtype(dtype).itemsize), g.channels // g.group, g.outputs // g.group
        together = ceil(prod(tiles) / MOST_VECTORS)
        vectors = ceil(prod(tiles) / together)
        most = TILE_ROWS[vectors]
        rows = min((most, most - 1, most - 2), key=lambda r: (ceil(c / r) + ceil(o / r)) * (r + 1))
        seen, made = (o, c) if back else (c, o)
        part, parts = parts_of(made, x.count * g.group, made, rows)
        self._kernel, self._units = convolve(POINTS, rows, vectors), x.count * g.group * parts
        self._grain = enough_units(self._units, g.num * g.pixels * prod(g.weight_shape))
        self._x, self._y, self._filters = x, y, filters
        self._u = workspace.prepared("filters", POINTS ** 2 * filters.pitch, dtype, not back)
        self._scratch = (workspace.per_thread("points", POINTS * together * vectors * seen * n, dtype),
                         workspace.per_thread("products", POINTS * together * vectors * rows * n, dtype))
        self._args = (back, slack(np.arange(made) * (1 if back else c)), np.arange(seen) * (c if back else 1),
                      terms(POINTS, back, dtype), terms(POINTS, not back, dtype), *x.steps, *y.steps,
                      (g.group, seen, made, part, parts, *tiles, c * o, filters.pitch))

    def run(self, w: Array, bias: Array, slope: Any) -> None:
        self._filters.to_points(w, self._u)
        parallel_for(self._kernel, self._units, self._x.framed, self._u, bias, self._y.framed, *self._scratch, slope,
                     *self._args, grain=self._grain)


class _FilterPass:
    """The gradient of the filters."""

    def __init__(self, g: Geometry, x: _Chunks, y: _Chunks, tiles: Sizes, filters: _Filters, dtype: Any,
                 workspace: Workspace) -> None:
        n, c, o = lanes(np.dtype(dtype).itemsize), g.channels // g.group, g.outputs // g.group
        shares = min(SHARES, x.count)
        some = min(ceil(x.count / shares), ceil(SUMMED / prod(tiles)))
        part, parts = parts_of(o, shares * POINTS * g.group, o, SQUARE)
        self._kernel, self._units = point_gradient(POINTS), shares * POINTS * g.group * parts
        self._grain = enough_units(self._units, g.num * g.pixels * prod(g.weight_shape))
        self._filters, self._shares = filters, shares
        self._du = workspace.shared("points of filters", shares * POINTS ** 2 * filters.pitch, dtype)
        self._args = (x.framed, y.framed, self._du,
                      workspace.per_thread("points", POINTS * c * some * prod(tiles) * n, dtype),
                      workspace.per_thread("points of gradients", POINTS * part * some * prod(tiles) * n, dtype),
                      terms(POINTS, False, dtype), terms(POINTS, True, dtype), *x.steps, *y.steps,
                      (shares, x.count, some, g.group, c, o, part, parts, *tiles, filters.pitch))

    def run(self, dw: Array) -> None:
        parallel_for(self._kernel, self._units, *self._args, grain=self._grain)
        self._filters.from_points(self._du, self._shares, dw)
