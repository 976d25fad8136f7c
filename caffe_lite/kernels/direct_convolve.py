"""Two-dimensional convolution without a patch matrix: vector code made for one width, kernel and stride.

Images lie in chunks (see ``lanes``), so a vector holds one pixel of many images. Row by row of the output, tiles of
some channels x some neighbouring pixels stay in registers while the filters run over the input; taps that would
multiply padding are left out. The data gradient is a convolution too, with the filters turned around. Sizes that the
factory is called with are literals to the compiler and part of the key of numba's cache on disk; other sizes (channels,
heights, images) may change freely.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import njit, types

from caffe_lite.kernels.lanes import pack, unpack
from caffe_lite.kernels.relu import relu_forward
from caffe_lite.kernels.tiles import reach, runs
from caffe_lite.kernels.vector import VECTOR_BYTES, Code, constant, intrinsic, literals, sized

Array = Any


@intrinsic
def _row(typing: Any, x: Any, x0: Any, x_channel: Any, x_row: Any, w: Any, w0: Any, w_out: Any, w_in: Any, w_row: Any,
         bias: Any, bias0: Any, y: Any, y0: Any, y_out: Any, valid: Any, channels: Any, rows: Any, taps: Any,
         stride: Any, dilation: Any, pad: Any, size: Any, out: Any, outs: Any, pixels: Any, flip: Any) -> Any:
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
            with code.loop(0, run.tiles) as t:
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
                            weight = builder.load(code.at(code.at(w_at[o], tap_at), -j if backwards else j))
                            factor = code.broadcast(weight)
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


@cache
def convolve(taps: int, stride: int, dilation: int, pad: int, size: int, out: int, outs: int, pixels: int,
             flip: int) -> Any:
    """The convolution for these widths; see ``_row`` for their meaning."""

    @njit(cache=True, nogil=True)
    @sized(taps, stride, dilation, pad, size, out, outs, pixels, flip)
    def convolve_kernel(begin: int, end: int, x: Array, w: Array, bias: Array, y: Array, packed: Array, tile: Array,
                        num: int, channels: int, height: int, outputs: int, out_height: int, group: int,
                        w_out: int, w_in: int, w_group: int, w_first: int, w_row: int, kernel_h: int, stride_h: int,
                        dilation_h: int, pad_h: int, slope: float) -> None:
        """``y = bias + w * x``, rectified unless ``slope`` is 1; the outer loop counts, for each chunk of images,
        tiles of output channels."""
        lanes = VECTOR_BYTES // x.itemsize
        part = outputs // group
        tiles = (part + outs - 1) // outs
        plane, pixel_count, now = height * size, out_height * out, -1
        for unit in range(begin, end):
            chunk, g, o = unit // (tiles * group), unit // tiles % group, unit % tiles * outs
            if chunk != now:
                pack(x, channels * plane, constant(0), channels * plane, chunk, num, packed)
                now = chunk
            valid = min(outs, part - o)
            for i in range(out_height):
                first = i * stride_h - pad_h
                lo, hi = reach(first, dilation_h, kernel_h, height)
                x0 = (g * (channels // group) * height + first + lo * dilation_h) * size
                _row(packed, x0 * lanes, plane, dilation_h * size,
                     w, w_first + g * w_group + o * w_out + lo * w_row, w_out, w_in, w_row, bias, g * part + o,
                     tile, i * out * lanes, pixel_count, valid, channels // group, hi - lo,
                     taps, stride, dilation, pad, size, out, outs, pixels, flip)
            if slope != 1:
                relu_forward(constant(0), valid * pixel_count * lanes, tile, slope, tile)
            unpack(tile, y, outputs * pixel_count, (g * part + o) * pixel_count, valid * pixel_count, chunk, num)

    return convolve_kernel
