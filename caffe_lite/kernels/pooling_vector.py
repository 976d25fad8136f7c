"""Max pooling as explicit vector code, made for one width: neighbouring outputs of a row at once."""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from caffe_lite.kernels.pooling import window_max
from caffe_lite.kernels.vector import Code, intrinsic, lanes, literals

Array = Any
_INT = ir.IntType(32)


@intrinsic
def _windows(typing: Any, x: Any, x0: Any, width: Any, y: Any, y0: Any, mask: Any, mask0: Any, place: Any, rows: Any,
             lowest: Any, taps: Any, stride: Any, count: Any) -> Any:
    """The maximum, and its place, of ``count`` neighbouring windows of ``rows`` x ``taps``, the first of which begins
    at ``x0``, the place numbered ``place``. Comparisons go along rows, as in ``window_max``."""
    sizes = literals(taps, stride, count)
    if sizes is None:
        return None
    n_taps, step, n = sizes
    i64 = types.int64
    signature = types.void(x, i64, i64, y, i64, mask, i64, i64, i64, x.dtype, taps, stride, count)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if n == 0:
            return context.get_dummy_value()
        code = Code(context, builder, x.dtype)
        values, places = ir.VectorType(code.element, n), ir.VectorType(_INT, n)

        def spread(scalar: Any, kind: Any) -> Any:
            one = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, _INT(0))
            return code.shuffle(one, one, [0] * n)

        def load(address: Any, length: int) -> Any:
            vector = builder.load(builder.bitcast(address, ir.VectorType(code.element, length).as_pointer()))
            vector.align = code.align
            return vector

        best, best_place = cgutils.alloca_once(builder, values), cgutils.alloca_once(builder, places)
        builder.store(spread(args[9], values), best)
        builder.store(ir.Constant(places, [-1] * n), best_place)
        x_at, steps = code.array(x, args[0], args[1]), ir.Constant(places, list(range(0, n * step, step)))
        with code.loop(0, args[8]) as row:
            line = code.at(x_at, code.mul(row, args[2]))
            number = builder.trunc(code.add(args[7], code.mul(row, args[2])), _INT)
            for start in range(0, n_taps, step):
                last = min(start + step, n_taps) - start - 1
                near = load(code.at(line, start), (n - 1) * step + last + 1)
                for s in range(last + 1):
                    value = code.shuffle(near, near, range(s, s + (n - 1) * step + 1, step))
                    here = builder.add(steps, spread(builder.add(number, _INT(start + s)), places))
                    greater = builder.fcmp_ordered(">", value, builder.load(best))
                    builder.store(builder.select(greater, value, builder.load(best)), best)
                    builder.store(builder.select(greater, here, builder.load(best_place)), best_place)
        for vector, address, align in ((builder.load(best), code.array(y, args[3], args[4]), code.align),
                                       (builder.load(best_place), code.array(mask, args[5], args[6]), 4)):
            builder.store(vector, builder.bitcast(address, vector.type.as_pointer())).align = align
        return context.get_dummy_value()

    return signature, codegen


@cache
def max_forward_vector(itemsize: int, taps: int, stride: int, pad: int, width: int, out: int) -> Any:
    """``max_forward`` for rows of ``width`` elements of ``itemsize`` bytes and of ``out`` windows."""
    begin = min(out, -(-pad // stride))
    end = max(begin, min(out, (width + pad - taps) // stride + 1))  # the windows that reach over neither edge
    block = max(1, min(lanes(itemsize), end - begin))
    rest = (end - begin) % block

    @njit(cache=True, nogil=True)
    def max_kernel(first: int, last: int, x: Array, y: Array, mask: Array, lowest: float, kernel_h: int, kernel_w: int,
                   stride_h: int, stride_w: int, pad_h: int, pad_w: int) -> None:
        _, height, _ = x.shape
        _, out_h, _ = y.shape
        for p in range(first, last):
            for i in range(out_h):
                top, bottom = max(0, i * stride_h - pad_h), min(height, i * stride_h - pad_h + kernel_h)
                for j in range(begin):
                    y[p, i, j], mask[p, i, j] = window_max(x, p, top, bottom, j * stride - pad, taps, lowest)
                for j in range(end, out):
                    y[p, i, j], mask[p, i, j] = window_max(x, p, top, bottom, j * stride - pad, taps, lowest)
                row, target = (p * height + top) * width, (p * out_h + i) * out
                for j in range(begin, end - rest, block):
                    left = j * stride - pad
                    _windows(x, row + left, width, y, target + j, mask, target + j, top * width + left, bottom - top,
                             lowest, taps, stride, block)
                left = (end - rest) * stride - pad
                _windows(x, row + left, width, y, target + end - rest, mask, target + end - rest, top * width + left,
                         bottom - top, lowest, taps, stride, rest)

    return max_kernel
