"""Average pooling as explicit vector code, made for one width: neighbouring outputs of a row at once.

On the way back neighbouring inputs at once, each of which gathers from the windows that it lies in.

Terms are added in the order of ``pooling.py``, so that the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from llvmlite import ir
from numba import njit, types

from caffe_lite.kernels.span import Span, enough_lanes, interleave
from caffe_lite.kernels.tiles import runs
from caffe_lite.kernels.vector import Code, intrinsic, literals, sized

Array = Any


def _areas(code: Code, span: Span, columns: Sequence[int], rows: Any) -> Any:
    """``columns[i] * rows``, as numbers of the element type."""
    tall = span.spread(code.builder.sitofp(rows, code.element))
    return code.builder.fmul(tall, ir.Constant(span.kind, [float(c) for c in columns]))


@intrinsic
def _means(typing: Any, x: Any, x0: Any, y: Any, y0: Any, rows: Any, high: Any, taps: Any, stride: Any, pad: Any,
           size: Any, out: Any) -> Any:
    """A row of ``out`` means of windows that are ``high`` rows high, of which ``rows`` are in the image; the first
    begins ``pad`` columns left of the element ``x0``."""
    sizes = literals(taps, stride, pad, size, out)
    if sizes is None:
        return None
    n_taps, step, margin, width, length = sizes
    i64 = types.int64
    signature = types.void(x, i64, y, i64, i64, i64, taps, stride, pad, size, out)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_at, y_at = code.array(x, args[0], args[1]), code.array(y, args[2], args[3])
        for run in runs(length, width, n_taps, step, 1, margin, code.lanes):
            n = enough_lanes(run.pixels)
            few, near = Span(code, n), Span(code, n * step)
            total = few.variable()
            wide = [_columns(run.first + i, n_taps, step, margin, width, length) for i in range(n)]
            with code.loop(0, run.tiles) as t:
                first = code.add(code.mul(t, run.pixels), run.first)
                left = code.add(code.mul(first, step), -margin)
                builder.store(few.zero, total)
                with code.loop(0, args[4]) as row:
                    line = code.at(x_at, code.add(left, code.mul(row, width)))
                    for group in range(0, n_taps, step):
                        found = near.load(code.at(line, group), run.lo - group, run.hi - group)
                        for s in range(min(step, n_taps - group)):
                            value = code.shuffle(found, found, range(s, n * step, step))
                            builder.store(builder.fadd(builder.load(total), value), total)
                mean = builder.fdiv(builder.load(total), _areas(code, few, wide, args[5]))
                few.store(mean, code.at(y_at, first), 0, run.pixels)
        return context.get_dummy_value()

    return signature, codegen


def _columns(window: int, taps: int, stride: int, pad: int, width: int, out: int) -> int:
    """How many columns of a window are inside the padded image; 1 where there is no such window."""
    return min(taps, width + 2 * pad - window * stride) if 0 <= window < out else 1


class _Stretch(NamedTuple):
    """``tiles`` tiles of ``n * stride`` inputs, from window ``first`` on: input ``m * stride + k - pad`` lies in the
    windows ``m``, ``m - 1``, ... Of a tile's windows ``m - d`` those from ``there[d][0]`` to ``there[d][1]`` exist and
    are ``columns[d]`` wide; its inputs from ``lo`` to ``hi`` are in the image."""

    first: int
    tiles: int
    there: tuple[tuple[int, int], ...]
    columns: tuple[tuple[int, ...], ...]
    lo: int
    hi: int


def _stretches(width: int, out: int, taps: int, stride: int, pad: int, n: int) -> list[_Stretch]:
    """A row of inputs, equal neighbouring tiles together."""
    tiles = []
    for first in range(pad // stride, (width - 1 + pad) // stride + 1, n):
        behind = range(-(-taps // stride))
        there = tuple((max(0, d - first), max(0, min(n, out + d - first))) for d in behind)
        columns = tuple(tuple(_columns(first + i - d, taps, stride, pad, width, out) for i in range(n)) for d in behind)
        lo, hi = max(0, pad - first * stride), min(n * stride, width + pad - first * stride)
        tiles.append(_Stretch(first, 1, there, columns, lo, hi))
    groups = (list(group) for _, group in groupby(tiles, key=lambda tile: tile[2:]))
    return [group[0]._replace(tiles=len(group)) for group in groups]


@intrinsic
def _shares(typing: Any, dy: Any, dy0: Any, dx: Any, dx0: Any, rows: Any, room: Any, high: Any, fall: Any,
            taps: Any, stride: Any, pad: Any, size: Any, out: Any) -> Any:
    """A row of ``size`` inputs: the sum of their shares of the gradients of ``rows`` rows of windows. The first of
    them has ``room`` rows below its top, every further one ``fall`` less, and none is higher than ``high``."""
    sizes = literals(taps, stride, pad, size, out)
    if sizes is None:
        return None
    n_taps, step, margin, width, length = sizes
    i64 = types.int64
    signature = types.void(dy, i64, dx, i64, i64, i64, i64, i64, taps, stride, pad, size, out)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, dy.dtype)
        dy_at, dx_at = code.array(dy, args[0], args[1]), code.array(dx, args[2], args[3])
        windows = (width - 1 + margin) // step + 1 - margin // step
        n = enough_lanes(min(code.lanes, windows))
        few, whole = Span(code, n), Span(code, n * step)
        sums = [few.variable() for _ in range(step)]
        for stretch in _stretches(width, length, n_taps, step, margin, n):
            with code.loop(0, stretch.tiles) as t:
                window = code.add(code.mul(t, n), stretch.first)
                for s in sums:
                    builder.store(few.zero, s)
                with code.loop(0, args[4]) as row:
                    line = code.add(window, code.mul(row, length))
                    tall = code.least(args[6], code.add(args[5], builder.neg(code.mul(row, args[7]))))
                    for d in reversed(range(len(stretch.there))):  # as windows lie, from left to right
                        slope = few.load(code.at(dy_at, code.add(line, -d)), *stretch.there[d])
                        share = builder.fdiv(slope, _areas(code, few, stretch.columns[d], tall))
                        for k in range(min(step, n_taps - d * step)):
                            builder.store(builder.fadd(builder.load(sums[k]), share), sums[k])
                result = interleave(code, [builder.load(s) for s in sums])
                whole.store(result, code.at(dx_at, code.add(code.mul(window, step), -margin)), stretch.lo, stretch.hi)
        return context.get_dummy_value()

    return signature, codegen


@cache
def average_pooling(taps: int, stride: int, pad: int, width: int, out: int) -> tuple[Any, Any]:
    """``average_forward`` and ``average_backward`` for rows of ``width`` elements and of ``out`` windows."""

    @njit(cache=True, nogil=True)
    @sized(taps, stride, pad, width, out)
    def average_forward_kernel(begin: int, end: int, x: Array, y: Array, kernel_h: int, kernel_w: int, stride_h: int,
                               stride_w: int, pad_h: int, pad_w: int) -> None:
        _, height, _ = x.shape
        _, out_h, _ = y.shape
        for p in range(begin, end):
            for i in range(out_h):
                first = i * stride_h - pad_h
                high = min(kernel_h, height + pad_h - first)
                top, bottom = max(0, first), min(height, first + high)
                _means(x, (p * height + top) * width, y, (p * out_h + i) * out, bottom - top, high,
                       taps, stride, pad, width, out)

    @njit(cache=True, nogil=True)
    @sized(taps, stride, pad, width, out)
    def average_backward_kernel(begin: int, end: int, dy: Array, dx: Array, kernel_h: int, kernel_w: int, stride_h: int,
                                stride_w: int, pad_h: int, pad_w: int) -> None:
        _, height, _ = dx.shape
        _, out_h, _ = dy.shape
        for p in range(begin, end):
            for h in range(height):
                last = min(out_h, (h + pad_h) // stride_h + 1)
                first = min(last, max(0, (h + pad_h - kernel_h) // stride_h + 1))
                _shares(dy, (p * out_h + first) * out, dx, (p * height + h) * width, last - first,
                        height + 2 * pad_h - first * stride_h, kernel_h, stride_h, taps, stride, pad, width, out)

    return average_forward_kernel, average_backward_kernel
