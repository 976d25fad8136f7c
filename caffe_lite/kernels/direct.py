"""Two-dimensional convolution without a patch matrix: vector code made for one width, kernel and stride.

Images lie in chunks (see ``lanes``), so a vector holds one pixel of many images. Row by row of the output, tiles of
some channels x some neighbouring pixels stay in registers while the filters run over the input. The data gradient
is a convolution too, with the filters turned around. Sizes that a factory is called with are literals to the compiler
and part of the key of numba's cache on disk; other sizes (channels, heights, images) may change freely.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from numba import njit, types
from numba.extending import intrinsic

from caffe_lite.kernels.lanes import pack, unpack
from caffe_lite.kernels.vector import VECTOR_BYTES, Code, literals

Array = Any


class Run(NamedTuple):
    """``count`` tiles of ``pixels`` outputs from output ``first`` on; of the inputs that a tile reaches, counted from
    its leftmost, those from ``lo`` to ``hi`` are inside the image."""

    first: int
    count: int
    pixels: int
    lo: int
    hi: int


def runs(out: int, size: int, taps: int, stride: int, dilation: int, pad: int, pixels: int) -> list[Run]:
    """A row of ``out`` outputs cut into tiles of at most ``pixels``, equal neighbours together."""
    found: list[Run] = []
    tiles = -(-out // pixels)
    first = 0
    for tile in range(tiles):
        width = out // tiles + (tile < out % tiles)
        reach = (width - 1) * stride + (taps - 1) * dilation + 1
        left = first * stride - pad
        lo, hi = min(reach, max(0, -left)), max(0, min(reach, size - left))
        if found and found[-1][2:] == (width, lo, hi):
            found[-1] = found[-1]._replace(count=found[-1].count + 1)
        else:
            found.append(Run(first, 1, width, lo, hi))
        first += width
    return found


@intrinsic
def _row(typing: Any, x: Any, x0: Any, x_channel: Any, x_row: Any, w: Any, w0: Any, w_out: Any, w_in: Any, w_row: Any,
         bias: Any, bias0: Any, y: Any, y0: Any, y_out: Any, valid: Any, channels: Any, rows: Any,
         taps: Any, stride: Any, dilation: Any, pad: Any, size: Any, out: Any, outs: Any, pixels: Any, flip: Any) -> Any:
    """One row of ``outs`` output channels:

    ``y[o, p] = bias[o] + Σ_c Σ_i Σ_j w[o, c, i, j] x[c, i, p * stride - pad + j * dilation]`` for ``c < channels`` and
    ``i < rows``. Steps of x and y count vectors; ``flip`` reads the taps j backwards; outputs beyond ``valid`` repeat
    the last one.
    """
    sizes = literals(taps, stride, dilation, pad, size, out, outs, pixels, flip)
    if sizes is None:
        return None
    n_taps, step, spread, margin, width, length, n_outs, tile, backwards = sizes
    i64 = types.int64
    signature = types.void(x, i64, i64, i64, w, i64, i64, i64, i64, bias, i64, y, i64, i64, i64, i64, i64,
                           taps, stride, dilation, pad, size, out, outs, pixels, flip)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_channel, x_row, w_out, w_in, w_row, y_out, valid, channels, rows = (
            args[i] for i in (2, 3, 6, 7, 8, 13, 14, 15, 16))
        x_at, y_at = code.array(x, args[0], args[1]), code.array(y, args[11], args[12])
        output = [code.least(o, code.add(valid, -1)) for o in range(n_outs)]
        w_at = [code.array(w, args[4], code.add(args[5], code.mul(o, w_out))) for o in output]
        start = [code.broadcast(builder.load(code.array(bias, args[9], code.add(args[10], o)))) for o in output]
        for run in runs(length, width, n_taps, step, spread, margin, tile):
            sums = [code.variables(run.pixels) for _ in output]
            with code.loop(0, run.count) as t:
                first = code.add(code.mul(t, run.pixels), run.first)
                left = code.at(x_at, code.mul(code.add(code.mul(first, step), -margin), code.lanes))
                for line, value in zip(sums, start, strict=True):
                    for s in line:
                        builder.store(value, s)
                with code.loop(0, channels) as c, code.loop(0, rows) as i:
                    line_at = code.at(left, code.mul(code.add(code.mul(c, x_channel), code.mul(i, x_row)), code.lanes))
                    tap_at = code.add(code.mul(c, w_in), code.mul(i, w_row))
                    seen = {q: code.load(code.at(line_at, q * code.lanes)) for q in range(run.lo, run.hi)}
                    now = [[builder.load(s) for s in line] for line in sums]
                    for j in range(n_taps):
                        used = [p for p in range(run.pixels) if p * step + j * spread in seen]
                        for o in range(n_outs if used else 0):
                            factor = code.broadcast(builder.load(code.at(code.at(w_at[o], tap_at), -j if backwards else j)))
                            for p in used:
                                now[o][p] = code.fma(factor, seen[p * step + j * spread], now[o][p])
                    for line, values in zip(sums, now, strict=True):
                        for s, value in zip(line, values, strict=True):
                            builder.store(value, s)
                for o, line in enumerate(sums):
                    for p, s in enumerate(line):
                        place = code.add(code.add(code.mul(y_out, o), first), p)
                        code.store(builder.load(s), code.at(y_at, code.mul(place, code.lanes)))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _weights(typing: Any, x: Any, x0: Any, x_row: Any, dy: Any, dy0: Any, dy_row: Any, dy_out: Any, dw: Any, dw0: Any,
             w_out: Any, valid: Any, rows: Any, taps: Any, stride: Any, dilation: Any, pad: Any, size: Any, out: Any,
             outs: Any, pixels: Any) -> Any:
    """One row of taps of ``outs`` filters, for one input channel:

    ``dw[o, j] += Σ_lanes Σ_i Σ_p dy[o, i, p] x[i, p * stride - pad + j * dilation]`` for ``i < rows`` and ``o < valid``.
    """
    sizes = literals(taps, stride, dilation, pad, size, out, outs, pixels)
    if sizes is None:
        return None
    n_taps, step, spread, margin, width, length, n_outs, tile = sizes
    i64 = types.int64
    signature = types.void(x, i64, i64, dy, i64, i64, i64, dw, i64, i64, i64, i64,
                           taps, stride, dilation, pad, size, out, outs, pixels)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_row, dy_row, dy_out, w_out, valid, rows = (args[i] for i in (2, 5, 6, 9, 10, 11))
        x_at, dy_at = code.array(x, args[0], args[1]), code.array(dy, args[3], args[4])
        sums = [code.variables(n_taps) for _ in range(n_outs)]
        for line in sums:
            for s in line:
                builder.store(code.zero, s)
        with code.loop(0, rows) as i:
            x_line = code.at(x_at, code.mul(code.mul(i, x_row), code.lanes))
            dy_line = [code.at(dy_at, code.mul(code.add(code.mul(i, dy_row), code.mul(dy_out, o)), code.lanes))
                       for o in range(n_outs)]
            for run in runs(length, width, n_taps, step, spread, margin, tile):
                with code.loop(0, run.count) as t:
                    first = code.add(code.mul(t, run.pixels), run.first)
                    left = code.at(x_line, code.mul(code.add(code.mul(first, step), -margin), code.lanes))
                    here = [code.at(line, code.mul(first, code.lanes)) for line in dy_line]
                    now = [[builder.load(s) for s in line] for line in sums]
                    for p in range(run.pixels):
                        slope = [code.load(code.at(line, p * code.lanes)) for line in here]
                        for j in range(n_taps):
                            q = p * step + j * spread
                            if run.lo <= q < run.hi:
                                seen = code.load(code.at(left, q * code.lanes))
                                for o in range(n_outs):
                                    now[o][j] = code.fma(slope[o], seen, now[o][j])
                    for line, values in zip(sums, now, strict=True):
                        for s, value in zip(line, values, strict=True):
                            builder.store(value, s)
        total = code.sums([builder.load(s) for line in sums for s in line])
        for o in range(n_outs):
            with builder.if_then(builder.icmp_signed(">", valid, code.index(o))):
                for j in range(n_taps):
                    place = code.array(dw, args[7], code.add(args[8], code.add(code.mul(w_out, o), j)))
                    builder.store(builder.fadd(builder.load(place), total[o * n_taps + j]), place)
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True)
def _reach(first: int, dilation: int, taps: int, size: int) -> tuple[int, int]:
    """The taps i, begin to end, for which ``first + i * dilation`` is inside the image."""
    begin = min(taps, max(0, (dilation - 1 - first) // dilation))
    return begin, max(begin, min(taps, (size - first + dilation - 1) // dilation))


@lru_cache(maxsize=None)
def convolve(taps: int, stride: int, dilation: int, pad: int, size: int, out: int, outs: int, pixels: int,
             flip: int) -> Any:
    """The convolution for these widths; see ``_row`` for their meaning."""

    @njit(cache=True, nogil=True)
    def convolve_kernel(begin: int, end: int, x: Array, w: Array, bias: Array, y: Array, packed: Array, tile: Array,
                        num: int, channels: int, height: int, outputs: int, out_height: int, group: int,
                        w_out: int, w_in: int, w_group: int, w_first: int, w_row: int, kernel_h: int, stride_h: int,
                        dilation_h: int, pad_h: int) -> None:
        """``y = bias + w * x``; the outer loop counts, for each chunk of images, tiles of output channels."""
        lanes = VECTOR_BYTES // x.itemsize
        part = outputs // group
        tiles = (part + outs - 1) // outs
        plane, pixel_count, now = height * size, out_height * out, -1
        for unit in range(begin, end):
            chunk, g, o = unit // (tiles * group), unit // tiles % group, unit % tiles * outs
            if chunk != now:
                pack(x, channels * plane, 0, channels * plane, chunk, num, packed)
                now = chunk
            valid = min(outs, part - o)
            for i in range(out_height):
                first = i * stride_h - pad_h
                lo, hi = _reach(first, dilation_h, kernel_h, height)
                x0 = (g * (channels // group) * height + first + lo * dilation_h) * size
                _row(packed, x0 * lanes, plane, dilation_h * size,
                     w, w_first + g * w_group + o * w_out + lo * w_row, w_out, w_in, w_row, bias, g * part + o,
                     tile, i * out * lanes, pixel_count, valid, channels // group, hi - lo,
                     taps, stride, dilation, pad, size, out, outs, pixels, flip)
            unpack(tile, y, outputs * pixel_count, (g * part + o) * pixel_count, valid * pixel_count, chunk, num)

    return convolve_kernel


@lru_cache(maxsize=None)
def weight_gradient(taps: int, stride: int, dilation: int, pad: int, size: int, out: int, outs: int,
                    pixels: int) -> Any:
    """The gradient of the filters for these widths; see ``_weights`` for their meaning."""

    @njit(cache=True, nogil=True)
    def weight_kernel(begin: int, end: int, x: Array, dy: Array, dw: Array, packed: Array, tile: Array,
                      num: int, channels: int, height: int, outputs: int, out_height: int, group: int,
                      kernel_h: int, stride_h: int, dilation_h: int, pad_h: int) -> None:
        """Add to ``dw``; the outer loop counts, for each chunk of images, tiles of output channels."""
        lanes = VECTOR_BYTES // x.itemsize
        part, depth = outputs // group, channels // group
        tiles = (part + outs - 1) // outs
        plane, pixel_count, now = height * size, out_height * out, -1
        for unit in range(begin, end):
            chunk, g, o = unit // (tiles * group), unit // tiles % group, unit % tiles * outs
            if chunk != now:
                pack(x, channels * plane, 0, channels * plane, chunk, num, packed)
                now = chunk
            valid = min(outs, part - o)
            pack(dy, outputs * pixel_count, (g * part + o) * pixel_count, valid * pixel_count, chunk, num, tile)
            for c in range(depth):
                for i in range(kernel_h):
                    first = i * dilation_h - pad_h
                    lo, hi = _reach(first, stride_h, out_height, height)
                    x0 = ((g * depth + c) * height + first + lo * stride_h) * size
                    _weights(packed, x0 * lanes, stride_h * size, tile, lo * out * lanes, out, pixel_count,
                             dw, (((g * part + o) * depth + c) * kernel_h + i) * taps, depth * kernel_h * taps, valid,
                             hi - lo, taps, stride, dilation, pad, size, out, outs, pixels)

    return weight_kernel
