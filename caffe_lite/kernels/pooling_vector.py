"""Max pooling as explicit vector code, made for one width: neighbouring outputs of a row at once."""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from caffe_lite.kernels.span import Span, enough_lanes, spread
from caffe_lite.kernels.tiles import runs
from caffe_lite.kernels.vector import Code, intrinsic, literals, sized

Array = Any
_INT = ir.IntType(32)


@intrinsic
def _row(typing: Any, x: Any, x0: Any, y: Any, y0: Any, mask: Any, mask0: Any, rows: Any, place: Any, lowest: Any,
         taps: Any, stride: Any, pad: Any, size: Any, out: Any) -> Any:
    """A row of ``out`` maxima of ``rows`` x ``taps`` elements each, and their places. The first window begins ``pad``
    columns left of the element ``x0``, whose place is ``place``. Comparisons go along rows, as in ``window_max``."""
    sizes = literals(taps, stride, pad, size, out)
    if sizes is None:
        return None
    n_taps, step, margin, width, length = sizes
    i64 = types.int64
    signature = types.void(x, i64, y, i64, mask, i64, i64, i64, x.dtype, taps, stride, pad, size, out)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_at, y_at, mask_at = (code.array(kind, args[i], args[i + 1]) for i, kind in ((0, x), (2, y), (4, mask)))
        for run in runs(length, width, n_taps, step, 1, margin, code.lanes):
            n = enough_lanes(run.pixels)
            few, near, places = Span(code, n), Span(code, n * step), ir.VectorType(_INT, n)
            lowest, outside = few.spread(args[8]), near.spread(args[8])  # what is not in the image is no maximum
            best, best_place = few.variable(), cgutils.alloca_once(builder, places)
            with code.loop(0, run.tiles) as t:
                first = code.add(code.mul(t, run.pixels), run.first)
                left = code.add(code.mul(first, step), -margin)
                builder.store(lowest, best)
                builder.store(ir.Constant(places, [-1] * n), best_place)
                with code.loop(0, args[6]) as row:
                    start = code.add(left, code.mul(row, width))
                    number = builder.add(spread(code, builder.trunc(code.add(args[7], start), _INT), places),
                                         ir.Constant(places, list(range(0, n * step, step))))
                    for group in range(0, n_taps, step):
                        address = code.at(x_at, code.add(start, group))
                        found = near.load(address, run.lo - group, run.hi - group, outside)
                        for s in range(min(step, n_taps - group)):
                            value = code.shuffle(found, found, range(s, n * step, step))
                            here = builder.add(number, ir.Constant(places, [group + s] * n))
                            greater = builder.fcmp_ordered(">", value, builder.load(best))
                            builder.store(builder.select(greater, value, builder.load(best)), best)
                            builder.store(builder.select(greater, here, builder.load(best_place)), best_place)
                few.store(builder.load(best), code.at(y_at, first), 0, run.pixels)
                whole = builder.load(best_place)
                part = code.shuffle(whole, whole, range(run.pixels))
                builder.store(part, builder.bitcast(code.at(mask_at, first), part.type.as_pointer())).align = 4
        return context.get_dummy_value()

    return signature, codegen


@cache
def max_forward_vector(taps: int, stride: int, pad: int, width: int, out: int) -> Any:
    """``max_forward`` for rows of ``width`` elements and of ``out`` windows."""

    @njit(cache=True, nogil=True)
    @sized(taps, stride, pad, width, out)
    def max_kernel(begin: int, end: int, x: Array, y: Array, mask: Array, lowest: float, kernel_h: int, kernel_w: int,
                   stride_h: int, stride_w: int, pad_h: int, pad_w: int) -> None:
        _, height, _ = x.shape
        _, out_h, _ = y.shape
        for p in range(begin, end):
            for i in range(out_h):
                top, bottom = max(0, i * stride_h - pad_h), min(height, i * stride_h - pad_h + kernel_h)
                target = (p * out_h + i) * out
                _row(x, (p * height + top) * width, y, target, mask, target, bottom - top, top * width, lowest,
                     taps, stride, pad, width, out)

    return max_kernel
