"""The gradient of two-dimensional filters without a patch matrix; the companion of ``direct_convolve``.

A tile of some filters x one row of their taps stays in registers over all pixels of a chunk of images; then its lanes
are summed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import njit, types

from caffe_lite.kernels.bias import add_row_sums
from caffe_lite.kernels.lanes import pack
from caffe_lite.kernels.tiles import reach, runs
from caffe_lite.kernels.vector import VECTOR_BYTES, Code, constant, intrinsic, literals, sized

Array = Any


@intrinsic
def _weights(typing: Any, x: Any, x0: Any, x_row: Any, dy: Any, dy0: Any, dy_row: Any, dy_out: Any, dw: Any, dw0: Any,
             w_out: Any, valid: Any, rows: Any, taps: Any, stride: Any, dilation: Any, pad: Any, size: Any, out: Any,
             outs: Any, pixels: Any) -> Any:
    """One row of taps of ``outs`` filters, for one input channel:

    ``dw[o, j] += Σ_lanes Σ_i Σ_p dy[o, i, p] x[i, p * stride - pad + j * dilation]`` for ``i < rows``, ``o < valid``.
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
                with code.loop(0, run.tiles) as t:
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


@cache
def weight_gradient(taps: int, stride: int, dilation: int, pad: int, size: int, out: int, outs: int,
                    pixels: int) -> Any:
    """The gradient of the filters for these widths; see ``_weights`` for their meaning."""

    @njit(cache=True, nogil=True)
    @sized(taps, stride, dilation, pad, size, out, outs, pixels)
    def weight_kernel(begin: int, end: int, x: Array, dy: Array, dw: Array, packed: Array, tile: Array,
                      num: int, channels: int, height: int, outputs: int, out_height: int, group: int,
                      kernel_h: int, stride_h: int, dilation_h: int, pad_h: int) -> None:
        """Add to ``dw``, and to what follows it the gradient of the biases; the outer loop counts, for each chunk of
        images, tiles of output channels."""
        lanes = VECTOR_BYTES // x.itemsize
        part, depth = outputs // group, channels // group
        tiles = (part + outs - 1) // outs
        plane, pixel_count, now = height * size, out_height * out, -1
        for unit in range(begin, end):
            chunk, g, o = unit // (tiles * group), unit // tiles % group, unit % tiles * outs
            if chunk != now:
                pack(x, channels * plane, constant(0), channels * plane, chunk, num, packed)
                now = chunk
            valid = min(outs, part - o)
            pack(dy, outputs * pixel_count, (g * part + o) * pixel_count, valid * pixel_count, chunk, num, tile)
            add_row_sums(tile, valid, pixel_count * lanes, dw, outputs * depth * kernel_h * taps + g * part + o)
            for c in range(depth):
                for i in range(kernel_h):
                    first = i * dilation_h - pad_h
                    lo, hi = reach(first, stride_h, out_height, height)
                    x0 = ((g * depth + c) * height + first + lo * stride_h) * size
                    _weights(packed, x0 * lanes, stride_h * size, tile, lo * out * lanes, out, pixel_count,
                             dw, (((g * part + o) * depth + c) * kernel_h + i) * taps, depth * kernel_h * taps, valid,
                             hi - lo, taps, stride, dilation, pad, size, out, outs, pixels)

    return weight_kernel
