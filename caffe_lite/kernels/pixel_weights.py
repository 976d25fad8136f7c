"""The gradient of two-dimensional filters with pixels in the lanes; the companion of ``pixel_convolve``.

A tile of some filters x one row of their taps stays in registers over all pixels of an image; then its lanes are
summed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import njit, types

from caffe_lite.kernels.arrays import clear
from caffe_lite.kernels.bias import add_row_sums
from caffe_lite.kernels.shifted import shift
from caffe_lite.kernels.vector import Code, constant, intrinsic, literals, sized

Array = Any


@intrinsic
def _row(typing: Any, x: Any, x0: Any, x_tap: Any, dy: Any, dy0: Any, dw: Any, dw0: Any, w_out: Any, valid: Any,
         pixels: Any, taps: Any, outs: Any) -> Any:
    """One row of taps of ``outs`` filters, for one input channel:

    ``dw[o, j] += Σ_p dy[o, p] x[j, p]`` for ``p < pixels`` and ``o < valid``.
    """
    sizes = literals(taps, outs)
    if sizes is None:
        return None
    n_taps, height = sizes
    i64 = types.int64
    signature = types.void(x, i64, i64, dy, i64, dw, i64, i64, i64, i64, taps, outs)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_tap, w_out, valid, pixels = (args[i] for i in (2, 7, 8, 9))
        x_at = code.array(x, args[0], args[1])
        seen_at = [code.at(x_at, code.mul(x_tap, j)) for j in range(n_taps)]
        slope_at = [code.array(dy, args[3], code.add(args[4], code.mul(code.least(o, code.add(valid, -1)), pixels)))
                    for o in range(height)]
        sums = [code.variables(n_taps) for _ in range(height)]
        for line in sums:
            for s in line:
                builder.store(code.zero, s)

        def step(p: Any, mask: Any = None) -> None:
            slope = [code.load(code.at(at, p), mask) for at in slope_at]
            for j in range(n_taps):
                seen = code.load(code.at(seen_at[j], p), mask)
                for o in range(height):
                    builder.store(code.fma(slope[o], seen, builder.load(sums[o][j])), sums[o][j])

        rest = builder.srem(pixels, code.index(code.lanes))
        whole = builder.sub(pixels, rest)
        with code.loop(0, whole, code.lanes) as p:
            step(p)
        with builder.if_then(builder.icmp_signed(">", rest, code.index(0))):
            step(whole, code.first(rest))
        total = code.sums([builder.load(s) for line in sums for s in line])
        for o in range(height):
            with builder.if_then(builder.icmp_signed(">", valid, code.index(o))):
                for j in range(n_taps):
                    place = code.array(dw, args[5], code.add(args[6], code.add(code.mul(w_out, o), j)))
                    builder.store(builder.fadd(builder.load(place), total[o * n_taps + j]), place)
        return context.get_dummy_value()

    return signature, codegen


@cache
def weight_gradient(taps: int, outs: int) -> Any:
    """The gradient of filters with rows of so many taps, some filters at a time."""

    @njit(cache=True, nogil=True)
    @sized(taps, outs)
    def pixel_weights(begin: int, end: int, x: Array, dy: Array, dw: Array, framed: Array, shifted: Array, frame: Any,
                      num: int, shares: int, outputs: int, out_h: int, kernel_h: int, dilation_h: int) -> None:
        """The gradients that each of ``shares`` parts of the images has, of the filters and behind them of the biases,
        one part's after the other's in ``dw``; the outer loop counts parts."""
        channels, height, _, pad_h, _, _, out = frame
        pixels, tap, filters = out_h * out, (height + 2 * pad_h) * out, channels * kernel_h * taps
        size = outputs * (filters + 1)
        for share in range(begin, end):
            start = share * size
            clear(start, start + size, dw)
            for image in range(num * share // shares, num * (share + 1) // shares):
                shift(x, image, frame, constant(taps), framed, shifted)
                for o in range(0, outputs, outs):
                    valid, first = min(outs, outputs - o), (image * outputs + o) * pixels
                    add_row_sums(dy[first:first + valid * pixels], valid, pixels, dw, start + outputs * filters + o)
                    for row in range(channels * kernel_h):
                        c, i = row // kernel_h, row % kernel_h
                        _row(shifted, c * taps * tap + i * dilation_h * out, tap, dy, first,
                             dw, start + o * filters + row * taps, filters, valid, pixels, taps, outs)

    return pixel_weights


@njit(cache=True, nogil=True)
def add_shares(begin: int, end: int, parts: Array, shares: int, size: int, first: int, out: Array) -> None:
    """``out[i] += Σ_s parts[s * size + first + i]``; the sum is complete before it is added."""
    for i in range(begin, end):
        total = parts[first + i]
        for share in range(1, shares):
            total += parts[share * size + first + i]
        out[i] += total
