"""The convolution with channels in the lanes of the vectors: fast for a single image too."""

from __future__ import annotations

from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from caffe_lite.kernels.arrays import clear
from caffe_lite.kernels.gathered import SLACK, convolve, filter_gradient, pack_filters
from caffe_lite.kernels.vector import COMPILED, filled, lanes
from caffe_lite.layers.convolution_blocks import DEPTH, Blocks, ScalingConvolution, parts_of, slack
from caffe_lite.layers.convolution_engine import START
from caffe_lite.layers.convolution_frames import Frame, Phases, each, flat
from caffe_lite.layers.convolution_geometry import Geometry
from caffe_lite.layers.grain import ELEMENTS, enough_units
from caffe_lite.parallel import Workspace, parallel_for, threads

Array = np.ndarray[Any, Any]
ROWS = 480  # most rows of the product that are made at once, for the same reason
FEW_ROWS = 192  # with fewer, packing a panel takes its time; images are then taken together
PACKING = 16  # multiplications that take as long as to pack an element


class ChannelConvolution(ScalingConvolution):
    def __init__(self, geometry: Geometry, dtype: Any, workspace: Workspace) -> None:
        super().__init__(geometry, dtype)
        g = geometry
        c, o, taps = g.channels // g.group, g.outputs // g.group, prod(g.kernel)
        reach = [(out - 1) * s + e for out, s, e in zip(g.out, g.stride, g.extent, strict=True)]
        frame = Frame(g.size, g.pad, [max(0, r - p - n) for r, p, n in zip(reach, g.pad, g.size, strict=True)])
        outputs = frame.places([np.arange(n) * s for n, s in zip(g.out, g.stride, strict=True)])
        elements = frame.places([np.arange(n) * d for n, d in zip(g.kernel, g.dilation, strict=True)])
        self._forward = _Pass(g, c, o, frame, outputs, elements, np.arange(taps), None, g.pixels,
                              (o * c * taps, taps, c * taps), dtype, workspace, forward=True)
        self._weight = _FilterPass(g, frame, outputs, elements, dtype, workspace)
        axes = [Phases(*sizes) for sizes in zip(g.size, g.out, g.kernel, g.pad, g.stride, g.dilation, strict=True)]
        frame = Frame(g.out, [a.low for a in axes], [a.high for a in axes])
        phases = list(product(*(a.phases for a in axes)))
        self._data = [
            _Pass(g, o, c, frame, frame.places([p.seen for p in phase]), -frame.places([p.back for p in phase]),
                  flat([p.elements for p in phase], g.kernel),
                  flat([p.inputs for p in phase], g.size) if len(phases) > 1 else None, g.plane,
                  (o * c * taps, c * taps, taps), dtype, workspace, forward=False)
            for phase in phases if all(len(p.elements) for p in phase)]
        self._gaps = len(self._data) < prod(g.stride)  # inputs that no output sees

    @staticmethod
    def rate(g: Geometry, dtype: Any) -> float:
        """About which part of the machine's rate it reaches: the lanes that have a channel."""
        if not (COMPILED and g.num):
            return 0
        n = lanes(np.dtype(dtype).itemsize)
        return 0.85 * filled(g.outputs // g.group, n) * g.products / (g.products + START)

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        if self._gaps:
            parallel_for(clear, dx.size, dx, grain=ELEMENTS)
        for phase in self._data:
            phase.run(dy, w, self._ones, self._zeros, dx)


class _Pass:
    """A convolution from ``channels`` to ``outs`` of a group: the forward one, or of the data gradient a phase.

    Args:
        frame, rows, elements: the input's frame, and where in it the outputs are and what a filter sees from there.
        taps: which elements of the filter those are.
        places: where in an output plane of ``plane`` the outputs are; None where that is one after the other.
        filter_steps: from a group, a channel of the input, a channel of the output to the next, in the filters.
    """

    def __init__(self, g: Geometry, channels: int, outs: int, frame: Frame, rows: Array, elements: Array, taps: Array,
                 places: Array | None, plane: int, filter_steps: tuple[int, int, int], dtype: Any,
                 workspace: Workspace, forward: bool) -> None:
        n, images = lanes(np.dtype(dtype).itemsize), _together(g)
        blocks = Blocks(outs, n)
        pixels, depth = len(rows), channels * len(taps)
        rows = each(images, g.group * channels * frame.framed, rows)
        units = g.num // images * g.group * blocks.count
        part, parts = parts_of(len(rows), units, ROWS, blocks.whole)
        self._kernel, self._units = convolve(blocks.vectors, blocks.narrow), units * parts
        self._grain = enough_units(self._units, g.num * pixels * g.group * outs * depth)
        self._frame = workspace.per_thread("frame", images * g.group * channels * frame.framed, dtype)
        self._sums = workspace.per_thread("sums", (part + SLACK) * blocks.width, dtype)
        self._packed = workspace.prepared("filters", g.group * blocks.count * (depth + 2) * blocks.width, dtype,
                                          forward)
        pieces = ceil(threads() / (g.group * blocks.count))
        self._pack = (g.group * blocks.count * pieces, taps, (channels, *filter_steps),
                      (outs, n, blocks.count, blocks.vectors, blocks.wide, pieces))
        self._args = (frame.sources, frame.targets, slack(rows), each(channels, frame.framed, elements),
                      np.empty(0, np.int64) if places is None else places,
                      (images, g.group * channels, frame.plane, frame.framed, frame.line, depth, DEPTH),
                      (g.group, outs, blocks.count, blocks.wide, part, parts, pixels, plane))

    def run(self, x: Array, w: Array, factor: Array, bias: Array, y: Array, slope: float = 1) -> None:
        count, *pack = self._pack
        parallel_for(pack_filters, count, w, factor, bias, *pack, self._packed,
                     grain=enough_units(count, w.size * PACKING), makes=self._packed)
        parallel_for(self._kernel, self._units, x, self._packed, y, self._frame, self._sums, y.dtype.type(slope),
                     *self._args, grain=self._grain)


class _FilterPass:
    """The gradient of the filters."""

    def __init__(self, g: Geometry, frame: Frame, outputs: Array, elements: Array, dtype: Any,
                 workspace: Workspace) -> None:
        images, channels, outs = _together(g), g.channels // g.group, g.outputs // g.group
        blocks = Blocks(outs, lanes(np.dtype(dtype).itemsize))
        rows, steps = each(channels, frame.framed, elements), each(images, g.channels * frame.framed, outputs)
        units, deep = g.group * blocks.count, min(DEPTH, len(steps))
        at_once = g.num == images and len(steps) <= DEPTH
        part, parts = parts_of(len(rows), units, ROWS if at_once else len(rows), blocks.whole)
        self._kernel, self._units = filter_gradient(blocks.vectors, blocks.narrow), units * parts
        self._grain = enough_units(self._units, g.num * g.pixels * prod(g.weight_shape))
        self._frame = workspace.per_thread("frame", images * g.channels * frame.framed, dtype)
        self._panel = workspace.per_thread("sums", deep * blocks.width, dtype)
        if at_once:
            self._sums = workspace.per_thread("filter sums", (part + SLACK) * blocks.width, dtype)
        else:
            self._sums = workspace.shared("filters", units * (len(rows) + SLACK) * blocks.width, dtype)
        self._args = (frame.sources, frame.targets, slack(rows), steps,
                      (g.num, images, g.channels, frame.plane, frame.framed, frame.line),
                      (g.group, outs, blocks.count, blocks.wide, part, parts, g.pixels, deep))

    def run(self, x: Array, dy: Array, dw: Array) -> None:
        parallel_for(self._kernel, self._units, x, dy, dw, self._frame, self._panel, self._sums, *self._args,
                     grain=self._grain, makes=self._sums)


def _together(g: Geometry) -> int:
    """How many images to take together: as few as give enough rows, and all blocks have as many."""
    divisors = [n for n in range(1, g.num + 1) if g.num % n == 0]
    return next((n for n in divisors if n * g.pixels >= FEW_ROWS), divisors[-1])
