"""The convolution with filters of 3 x 3 and 5 x 5 that saves multiplications: Winograd's."""

from __future__ import annotations

from math import ceil, prod
from typing import Any

import numpy as np

from caffe_lite.kernels.gathered import SLACK
from caffe_lite.kernels.vector import COMPILED, filled, lanes
from caffe_lite.kernels.winograd import TOGETHER, convolve, filter_gradient, pack_points
from caffe_lite.kernels.winograd_forms import FORMS
from caffe_lite.layers.convolution_blocks import DEPTH, Blocks, ScalingConvolution, parts_of, slack
from caffe_lite.layers.convolution_geometry import Geometry, Sizes
from caffe_lite.layers.grain import enough_units
from caffe_lite.parallel import Workspace, parallel_for, threads

Array = np.ndarray[Any, Any]
PRODUCTS = 1536  # about so many points together, of as many tiles: what they see and make then stays in the cache
TILES = 24  # at least, for fewer do not fill the tiles of a product
CHANNELS = 72  # most of a part of the filters' gradient, for the same reason
PACKING = 40  # multiplications that take as long as to pack an element
OUTSIDE = -1 << 40
# For filters of a size the forms, and the tiles with which half of the time goes into what does not grow with them.
CHOICES = {3: {4: 15}, 5: {7: 15, 11: 90}}


class WinogradConvolution(ScalingConvolution):
    def __init__(self, geometry: Geometry, dtype: Any, workspace: Workspace) -> None:
        super().__init__(geometry, dtype)
        g = geometry
        c, o, taps = g.channels // g.group, g.outputs // g.group, prod(g.kernel)
        form = max(CHOICES[g.kernel[0]], key=lambda form: _rate(g, dtype, form))
        bands = _Bands(g.num, form, g.size, g.out, g.pad)
        self._forward = _Pass(g, c, o, bands, False, (o * c * taps, taps, c * taps), dtype, workspace)
        self._weight = _FilterPass(g, bands, dtype, workspace)
        back = _Bands(g.num, form, g.out, g.size, tuple(k - 1 - p for k, p in zip(g.kernel, g.pad, strict=True)))
        self._data = _Pass(g, o, c, back, True, (o * c * taps, c * taps, taps), dtype, workspace)

    @staticmethod
    def rate(g: Geometry, dtype: Any) -> float:
        """About which part of the machine's rate it reaches, if all the products of the definition are counted."""
        if not (COMPILED and g.num and len(g.size) == 2 and g.kernel[0] == g.kernel[1] and g.kernel[0] in CHOICES
                and g.stride == g.dilation == (1, 1) and max(g.pad) < g.kernel[0]):
            return 0
        return max(_rate(g, dtype, form) for form in CHOICES[g.kernel[0]])

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        self._data.run(dy, w, self._ones, self._zeros, dx)


def _rate(g: Geometry, dtype: Any, form: int) -> float:
    c, o, tiles = g.channels // g.group, g.outputs // g.group, prod(ceil(out / FORMS[form].tile) for out in g.out)
    saved, few = prod(g.kernel) / form ** 2 * g.pixels / tiles, CHOICES[g.kernel[0]][form]
    return (0.85 * filled(o, lanes(np.dtype(dtype).itemsize)) * saved
            / (1 + 2 * g.kernel[0] / c + 6 / o + few / (g.num * tiles)))


class _Bands:
    """Tiles of outputs, taken together: some rows of them in an image, or all in some images.

    Attributes:
        images, count, most: images together, bands in each of them, most tiles in all that is together.
        tables: for the kernels the lines and columns that tiles see, and those that they make.
        places, places_out: most inputs and outputs of a band.
    """

    def __init__(self, num: int, form: int, size: Sizes, out: Sizes, pad: Sizes) -> None:
        self.form, taps, tile = form, FORMS[form].taps, FORMS[form].tile
        (down, across), self.points = (-(-n // tile) for n in out), form ** 2
        tiles = max(TILES, PRODUCTS / self.points)
        together = max(1, round(num * down * across / tiles))
        self.images = ceil(num / together) if together < num else 1
        high = ceil(down / max(1, min(down, round(down * across / tiles))))
        self.count = ceil(down / high)
        self.blocks = ceil(num / self.images) * self.count
        self.most = self.images * high * across
        seen = tile + taps - 1
        self.tables = (
            _table(seen, tile, down, size[0], pad[0], size[1]), _table(seen, tile, across, size[1], pad[1], 1),
            _table(tile, tile, down, out[0], 0, out[1]), _table(tile, tile, across, out[1], 0, 1))
        self.places, self.places_out = min(size[0], tile * high + taps - 1) * size[1], min(out[0], tile * high) * out[1]
        self.sizes = (*size, *out, pad[0], across, high, taps, tile)


class _Pass:
    """A convolution from ``channels`` to ``outs`` of a group: the forward one, or with ``turned`` filters the gradient
    of the data. ``filter_steps``: from a group, a channel of the input, a channel of the output to the next."""

    def __init__(self, g: Geometry, channels: int, outs: int, bands: _Bands, turned: bool,
                 filter_steps: tuple[int, int, int], dtype: Any, workspace: Workspace) -> None:
        n, taps = lanes(np.dtype(dtype).itemsize), g.kernel[0]
        blocks, pitch, every = Blocks(outs, n), ceil(channels / n) * n, bands.points
        size, out = prod(bands.sizes[:2]), prod(bands.sizes[2:4])
        self._kernel = convolve(bands.form, blocks.vectors, blocks.narrow)
        self._units = bands.blocks * g.group * blocks.count
        self._grain = enough_units(self._units, g.num * out * g.group * outs * channels * taps * taps)
        self._scratch = (workspace.per_thread("image", (1 + bands.places) * n, dtype),
                         workspace.per_thread("points", (every * bands.most + SLACK) * pitch, dtype),
                         workspace.per_thread("products", every * (bands.most + SLACK) * blocks.width, dtype),
                         workspace.per_thread("sums", (1 + bands.places_out) * blocks.width, dtype))
        self._packed = workspace.prepared(
            "filters", g.group * blocks.count * (every * channels + 2) * blocks.width, dtype, not turned)
        pieces = ceil(threads() / (g.group * blocks.count))
        self._pack = (pack_points(bands.form), g.group * blocks.count * pieces, turned, (channels, *filter_steps),
                      (outs, n, blocks.count, blocks.vectors, blocks.wide, pieces),
                      workspace.per_thread("turned", max(taps * taps * TOGETHER, n) * blocks.width, dtype))
        self._args = (*bands.tables, slack(np.arange(bands.most) * pitch), np.arange(channels),
                      (g.num, bands.images, bands.count, bands.most, pitch, channels, size),
                      (g.group, outs, blocks.count, blocks.wide, out, DEPTH), bands.sizes)

    def run(self, x: Array, w: Array, factor: Array, bias: Array, y: Array, slope: float = 1) -> None:
        pack, count, *sizes = self._pack
        parallel_for(pack, count, w, factor, bias, *sizes, self._packed, grain=enough_units(count, w.size * PACKING),
                     makes=self._packed)
        parallel_for(self._kernel, self._units, x, self._packed, y, *self._scratch, y.dtype.type(slope), *self._args,
                     grain=self._grain)


class _FilterPass:
    """The gradient of the filters."""

    def __init__(self, g: Geometry, bands: _Bands, dtype: Any, workspace: Workspace) -> None:
        n, channels, outs = lanes(np.dtype(dtype).itemsize), g.channels // g.group, g.outputs // g.group
        blocks, every, taps = Blocks(outs, n), bands.points, g.kernel[0]
        part, parts = parts_of(channels, g.group * blocks.count, CHANNELS, blocks.whole)
        pitch = ceil(part / n) * n
        self._kernel = filter_gradient(bands.form, blocks.vectors, blocks.narrow)
        self._units = g.group * parts * blocks.count
        self._grain = enough_units(self._units, g.num * g.pixels * prod(g.weight_shape))
        self._scratch = (workspace.per_thread("image", (1 + max(bands.places, bands.places_out)) * n, dtype),
                         workspace.per_thread("points", (every * bands.most + SLACK) * pitch, dtype),
                         workspace.per_thread("points of gradients", every * bands.most * blocks.width, dtype),
                         workspace.per_thread("products", every * (part + SLACK) * blocks.width, dtype),
                         workspace.per_thread("sums", part * taps * taps * blocks.width, dtype))
        self._args = (*bands.tables, slack(np.arange(part)), np.arange(bands.most) * pitch,
                      (g.num, bands.images, bands.count, bands.most, pitch, channels, g.plane, part, parts),
                      (g.group, outs, blocks.count, blocks.wide, g.pixels), bands.sizes)

    def run(self, x: Array, dy: Array, dw: Array) -> None:
        parallel_for(self._kernel, self._units, x, dy, dw, *self._scratch, *self._args, grain=self._grain)


def _table(side: int, tile: int, tiles: int, size: int, pad: int, step: int) -> Array:
    """Where on an axis the ``side`` places of each tile of ``tile`` outputs are, in steps."""
    places = tile * np.arange(tiles)[:, None] - pad + np.arange(side)
    return np.where((places >= 0) & (places < size), places * step, OUTSIDE).reshape(-1)
