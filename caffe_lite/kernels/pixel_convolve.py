"""Two-dimensional convolution with pixels in the lanes, for few channels: see ``shifted``.

A tile of some channels x some vectors of neighbouring pixels stays in registers while the filters run over the image.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import njit, types

from caffe_lite.kernels.relu import relu_forward
from caffe_lite.kernels.shifted import shift
from caffe_lite.kernels.vector import VECTOR_BYTES, Code, constant, intrinsic, literals, sized

Array = Any


@intrinsic
def _tile(typing: Any, x: Any, x0: Any, x_channel: Any, x_tap: Any, x_row: Any, w: Any, w0: Any, w_out: Any, bias: Any,
          bias0: Any, y: Any, y0: Any, y_out: Any, valid: Any, pixels: Any, channels: Any, rows: Any, taps: Any,
          outs: Any, vectors: Any) -> Any:
    """``y[o, p] = bias[o] + Σ_c Σ_i Σ_j w[o, c, i, j] x[c, j, i, p]`` for ``outs`` channels and ``vectors`` vectors.

    Channels beyond ``valid`` repeat the last one; a tile one vector wide stops after ``pixels``.
    """
    sizes = literals(taps, outs, vectors)
    if sizes is None:
        return None
    n_taps, height, width = sizes
    i64 = types.int64
    signature = types.void(x, i64, i64, i64, i64, w, i64, i64, bias, i64, y, i64, i64, i64, i64, i64, i64, taps, outs,
                           vectors)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_channel, x_tap, x_row, w_out, y_out, valid, pixels, channels, rows = (
            args[i] for i in (2, 3, 4, 7, 12, 13, 14, 15, 16))
        mask = code.first(pixels) if width == 1 else None
        output = [code.least(o, code.add(valid, -1)) for o in range(height)]
        x_at = code.array(x, args[0], args[1])
        w_at = [code.array(w, args[5], code.add(args[6], code.mul(o, w_out))) for o in output]
        y_at = [code.array(y, args[10], code.add(args[11], code.mul(o, y_out))) for o in output]
        sums = [code.variables(width) for _ in output]
        for o, line, row in zip(output, sums, y_at, strict=True):
            start = code.broadcast(builder.load(code.array(bias, args[8], code.add(args[9], o))))
            for v, s in enumerate(line):
                builder.store(start, s)
                code.prefetch(code.at(row, v * code.lanes), write=True)  # a fifth of the time is waiting for it else
        with code.loop(0, channels) as c, code.loop(0, rows) as i:
            line_at = code.at(x_at, code.add(code.mul(c, x_channel), code.mul(i, x_row)))
            tap_at = code.mul(code.add(code.mul(c, rows), i), n_taps)
            now = [[builder.load(s) for s in line] for line in sums]
            for j in range(n_taps):
                seen = [code.load(code.at(line_at, code.add(code.mul(x_tap, j), v * code.lanes))) for v in range(width)]
                for o in range(height):
                    factor = code.broadcast(builder.load(code.at(w_at[o], code.add(tap_at, j))))
                    for v in range(width):
                        now[o][v] = code.fma(factor, seen[v], now[o][v])
            for line, values in zip(sums, now, strict=True):
                for s, value in zip(line, values, strict=True):
                    builder.store(value, s)
        for line, row in zip(sums, y_at, strict=True):
            for v, s in enumerate(line):
                code.store(builder.load(s), code.at(row, v * code.lanes), mask)
        return context.get_dummy_value()

    return signature, codegen


@cache
def convolve(taps: int, outs: int, vectors: int) -> Any:
    """The convolution with rows of so many taps, in tiles of this size."""

    @njit(cache=True, nogil=True)
    @sized(taps, outs, vectors)
    def pixel_kernel(begin: int, end: int, x: Array, w: Array, bias: Array, y: Array, framed: Array, shifted: Array,
                     frame: Any, outputs: int, out_h: int, kernel_h: int, dilation_h: int, slope: float) -> None:
        """``y = bias + w * x``, rectified unless ``slope`` is 1; the outer loop counts, for each image, tiles of output
        channels."""
        wide = vectors * (VECTOR_BYTES // x.itemsize)
        channels, height, _, pad_h, _, _, out = frame
        tiles, pixels, tap, now = (outputs + outs - 1) // outs, out_h * out, (height + 2 * pad_h) * out, -1
        row, filters = dilation_h * out, channels * kernel_h * taps
        for unit in range(begin, end):
            image, o = unit // tiles, unit % tiles * outs
            if image != now:
                shift(x, image, frame, constant(taps), framed, shifted)
                now = image
            valid, p = min(outs, outputs - o), 0
            first = (image * outputs + o) * pixels
            while p < pixels:
                if pixels - p >= wide:
                    _tile(shifted, p, taps * tap, tap, row, w, o * filters, filters, bias, o, y, first + p, pixels,
                          valid, pixels - p, channels, kernel_h, taps, outs, vectors)
                    p += wide
                else:
                    _tile(shifted, p, taps * tap, tap, row, w, o * filters, filters, bias, o, y, first + p, pixels,
                          valid, pixels - p, channels, kernel_h, taps, outs, 1)
                    p += wide // vectors
            if slope != 1:
                relu_forward(first, first + valid * pixels, y, slope, y)

    return pixel_kernel
