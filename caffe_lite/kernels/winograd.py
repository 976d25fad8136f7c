"""Convolutions with filters of 3 x 3 and 5 x 5 that need fewer multiplications: Winograd's minimal filtering.

Outputs are made in tiles. Of the inputs d that a tile sees and a filter g (the matrices are in ``winograd_forms.py``)::

    y = Aᵀ [Σ_c (G g Gᵀ) ∘ (Bᵀ d B)] A

Each of the elements in the brackets, the *points*, is a matrix product over channels: one of ``gathered.py``'s, with
outputs in the lanes. Gradients are the transposed of it.

Which inputs the tiles of a row or a column see, and which outputs they make, is in two tables: where a line begins in
the plane, and a place in it, far below 0 for what lies outside.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

from numba import njit, types
from numba.extending import overload

from caffe_lite.kernels.arrays import clear
from caffe_lite.kernels.gathered import SLACK, multiply, pack_terms
from caffe_lite.kernels.lanes import transpose
from caffe_lite.kernels.vector import VECTOR_BYTES, Code, constant, intrinsic, literals, sized
from caffe_lite.kernels.winograd_forms import FORMS, both_ways, filters, seen_by_points

Array = Any
TOGETHER = 16  # channels whose filters are turned around together


def _places(code: Code, side: int, tables: Sequence[Any], tile: Sequence[Any], before: Any,
            pitch: Any) -> Iterator[Any]:
    """Where in rows of ``pitch`` the ``side`` x ``side`` places of a tile are; row 0 stands for what lies outside."""
    lines, columns = ([code.builder.load(code.at(table, code.add(code.mul(t, side), i))) for i in range(side)]
                      for table, t in zip(tables, tile, strict=True))
    for line, column in product(lines, columns):
        row = code.add(code.builder.sub(code.add(line, column), before), 1)
        inside = code.builder.icmp_signed(">", row, code.index(0))
        yield code.mul(code.builder.select(inside, row, code.index(0)), pitch)


@intrinsic
def _from_image(typing: Any, q: Any, lines: Any, columns: Any, y: Any, x: Any, before: Any, v: Any, v0: Any, step: Any,
                form: Any, back: Any) -> Any:
    """What the inputs of a tile, or if it goes ``back`` the gradients of its outputs, contribute to the points.

    They are rows of one vector, the first of them 0 and ``before`` places left out; point k goes to ``v0 + k * step``.
    """
    sizes = literals(form, back)
    if sizes is None:
        return None
    matrix = seen_by_points(*sizes)
    i64 = types.int64
    signature = types.void(q, lines, columns, i64, i64, i64, v, i64, i64, form, back)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, q.dtype)
        tables = code.array(lines, args[1]), code.array(columns, args[2])
        seen = [code.load(code.array(q, args[0], place))
                for place in _places(code, len(matrix[0]), tables, args[3:5], args[5], code.lanes)]
        for k, vector in enumerate(both_ways(code, matrix, seen)):
            code.store(vector, code.array(v, args[6], code.add(args[7], code.mul(args[8], k))))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _to_image(typing: Any, m: Any, m0: Any, step: Any, terms: Any, f0: Any, pitch: Any, slope: Any, s: Any, s0: Any,
              lines: Any, columns: Any, y: Any, x: Any, before: Any, form: Any) -> Any:
    """``s = relu(factor y + bias)`` of the outputs of a tile, to rows of ``pitch`` of which each has a place."""
    sizes = literals(form)
    if sizes is None:
        return None
    matrix = FORMS[sizes[0]].outputs
    i64 = types.int64
    signature = types.void(m, i64, i64, terms, i64, i64, m.dtype, s, i64, lines, columns, i64, i64, i64, form)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, m.dtype)
        m0, step, f0, pitch, s0 = (args[i] for i in (1, 2, 4, 5, 8))
        products = [code.load(code.array(m, args[0], code.add(m0, code.mul(step, k)))) for k in range(sizes[0] ** 2)]
        factor = code.load(code.array(terms, args[3], f0))
        bias = code.load(code.array(terms, args[3], code.add(f0, pitch)))
        slopes, tables = code.broadcast(args[6]), (code.array(lines, args[9]), code.array(columns, args[10]))
        places = _places(code, len(matrix), tables, args[11:13], args[13], pitch)
        for place, total in zip(places, both_ways(code, matrix, products), strict=True):
            value = code.fma(total, factor, bias)
            above = builder.fcmp_ordered(">", value, code.zero)
            high, low = builder.select(above, value, code.zero), builder.select(above, code.zero, value)
            code.store(code.fma(slopes, low, high), code.array(s, args[7], code.add(s0, place)))
        return context.get_dummy_value()

    return signature, codegen


@cache
def pack_points(form: int) -> Any:
    """Packing of filters for ``convolve``."""
    count, area = form ** 2, FORMS[form].taps ** 2

    @njit(cache=True, nogil=True)
    @sized(form)
    def pack_points_kernel(begin: int, end: int, w: Array, factor: Array, bias: Array, turned: bool, w_sizes: Any,
                           y_sizes: Any, scratch: Array, packed: Array) -> None:
        """``packed[block, k, u, l] = (G g Gᵀ)[k]`` of the filters g that begin at ``w[u * outer + l * lane_step]``;
        after each block its factors and biases. The outer loop counts for each block in groups parts of what each
        filter sees."""
        depth, w_group, outer, lane_step = w_sizes
        outs, lanes, blocks, vectors, wide, parts = y_sizes
        part = (depth + parts - 1) // parts
        most = TOGETHER if outer == area else 1
        for unit in range(begin, end):
            block = unit // parts % blocks
            width = lanes * (vectors if block < wide else vectors - 1)
            first = lanes * (block * vectors - max(0, block - wide))
            valid = min(width, outs - first)
            w0 = unit // (parts * blocks) * w_group + first * lane_step
            at = unit // parts * (count * depth + 2) * lanes * vectors
            if unit % parts == 0:
                o, tail = unit // (parts * blocks) * outs + first, at + count * depth * width
                pack_terms(factor, bias, o, valid, width, packed[tail:tail + 2 * width])
            clear(constant(0), len(scratch), scratch)
            lo = min(depth, unit % parts * part)
            hi = min(depth, lo + part)
            for u in range(lo, hi, most):
                start, columns = w0 + u * outer, min(most, hi - u) * area
                if columns < lanes and start + (valid - 1) * lane_step + lanes <= len(w):
                    columns = lanes  # more than asked for: whole vectors are faster
                transpose(w, start, lane_step, scratch, constant(0), width, valid, columns)
                for i in range(min(most, hi - u)):
                    for j in range(0, width, lanes):
                        source, target = i * area * width + j, at + (u + i) * width + j
                        if turned:
                            filters(scratch, source, width, packed, target, depth * width, form, 1)
                        else:
                            filters(scratch, source, width, packed, target, depth * width, form, 0)

    return pack_points_kernel


def look(x: Array, x0: int, channels: int, plane: int, first: int, count: int, lines: Array, columns: Array, rows: Any,
         across: int, q: Array, v: Array, v0: int, pitch: int, step: int, form: int, back: int) -> None:
    """``v[k * step + t * pitch + c]`` for all channels of some rows of tiles, which see ``count`` places from ``first``
    on; for kernels. ``form`` and ``back`` are literals."""
    raise NotImplementedError


@overload(look, strict=False, prefer_literal=True)
def _look(x: Any, x0: Any, channels: Any, plane: Any, first: Any, count: Any, lines: Any, columns: Any, rows: Any,
          across: Any, q: Any, v: Any, v0: Any, pitch: Any, step: Any, form: Any, back: Any) -> Any:
    sizes = literals(form, back)
    if sizes is None:
        return None
    size, way = sizes
    lanes = VECTOR_BYTES // (x.dtype.bitwidth // 8)

    def kernel(x, x0, channels, plane, first, count, lines, columns, rows, across, q, v, v0, pitch, step,  # type: ignore
               form, back):
        clear(constant(0), constant(lanes), q)
        for c in range(0, channels, lanes):
            transpose(x, x0 + c * plane + first, plane, q, lanes, lanes, min(lanes, channels - c), count)
            at = v0 + c
            for i in range(rows[0], rows[1]):
                for j in range(across):
                    _from_image(q, lines, columns, i, j, first, v, at, step, size, way)
                    at += pitch

    return kernel


@njit(cache=True, nogil=True)
def _band(number: int, sizes: Any) -> Any:
    """Of a band of tiles: its first row and the one after its last, the first and the number of the inputs that it
    sees, the same of its outputs."""
    height, width, out_height, out_width, pad, _, high, taps, tile = sizes
    top, bottom = number * high, min((out_height + tile - 1) // tile, (number + 1) * high)
    first, first_out = max(0, tile * top - pad), tile * top
    count, count_out = min(height, tile * bottom + taps - 1 - pad) - first, min(out_height, tile * bottom) - first_out
    return (top, bottom), (first * width, count * width), (first_out * out_width, count_out * out_width)


@cache
def convolve(form: int, vectors: int, narrow: int) -> Any:
    """The convolution whose first blocks of filters are ``vectors`` vectors wide, the others ``narrow``."""
    every = form ** 2

    @njit(cache=True, nogil=True)
    @sized(form, vectors, narrow)
    def winograd_kernel(begin: int, end: int, x: Array, packed: Array, y: Array, q: Array, v: Array, m: Array, s: Array,
                        slope: float, lines: Array, columns: Array, out_lines: Array, out_columns: Array, rows: Array,
                        steps: Array, x_sizes: Any, y_sizes: Any, sizes: Any) -> None:
        """``y = relu(factor (w * x) + bias)``; the outer loop counts for each band of tiles, in all images at once or
        in some, and each group blocks of filters."""
        num, images, bands, most, pitch, channels, plane = x_sizes
        group, outs, blocks, wide, out_plane, deep = y_sizes
        lanes, across, now = VECTOR_BYTES // x.itemsize, sizes[5], -1
        for unit in range(begin, end):
            block, g, n = unit % blocks, unit // blocks % group, unit // (blocks * group * bands) * images
            count = min(images, num - n)
            band, seen, made = _band(unit // (blocks * group) % bands, sizes)
            tiles = (band[1] - band[0]) * across
            if unit // blocks != now:
                now = unit // blocks
                for i in range(count):
                    look(x, ((n + i) * group + g) * channels * plane, channels, plane, seen[0], seen[1], lines, columns,
                         band, across, q, v, i * tiles * pitch, pitch, most * pitch, form, 0)
            width = lanes * (vectors if block < wide else narrow)
            o = lanes * (block * vectors - max(0, block - wide))
            valid = min(width, outs - o)
            b0 = (g * blocks + block) * (every * channels + 2) * lanes * vectors
            for k in range(every):
                for t in range(0, channels, deep):
                    multiply(v, k * most * pitch, rows, 0, count * tiles, steps, t, min(deep, channels - t), packed,
                             b0 + (k * channels + t) * width, m, k * (most + SLACK) * width, t > 0, False, slope,
                             block < wide, vectors, narrow)
            for i in range(count):
                for t in range(tiles):
                    for j in range(0, width, lanes):
                        _to_image(m, (i * tiles + t) * width + j, (most + SLACK) * width, packed,
                                  b0 + every * channels * width + j, width, slope, s, j, out_lines, out_columns,
                                  band[0] + t // across, t % across, made[0], form)
                transpose(s, width, width, y, ((n + i) * group * outs + g * outs + o) * out_plane + made[0], out_plane,
                          made[1], valid)

    return winograd_kernel


@cache
def filter_gradient(form: int, vectors: int, narrow: int) -> Any:
    """The gradient of the filters, blocks of which are as wide as for ``convolve``."""
    every, area = form ** 2, FORMS[form].taps ** 2

    @njit(cache=True, nogil=True)
    @sized(form, vectors, narrow)
    def winograd_gradient_kernel(begin: int, end: int, x: Array, dy: Array, dw: Array, q: Array, v: Array, d: Array,
                                 m: Array, s: Array, lines: Array, columns: Array, out_lines: Array,
                                 out_columns: Array, rows: Array, steps: Array, x_sizes: Any, y_sizes: Any,
                                 sizes: Any) -> None:
        """Add to ``dw``; the outer loop counts for each group parts of the channels, and for them blocks of filters."""
        num, images, bands, most, pitch, channels, plane, part, parts = x_sizes
        group, outs, blocks, wide, out_plane = y_sizes
        lanes, across = VECTOR_BYTES // x.itemsize, sizes[5]
        for unit in range(begin, end):
            block, c, g = unit % blocks, unit // blocks % parts * part, unit // (blocks * parts)
            ours = min(part, channels - c)
            width = lanes * (vectors if block < wide else narrow)
            o = lanes * (block * vectors - max(0, block - wide))
            valid = min(width, outs - o)
            for place in range((num + images - 1) // images * bands):
                n = place // bands * images
                count = min(images, num - n)
                band, seen, made = _band(place % bands, sizes)
                tiles = (band[1] - band[0]) * across
                for i in range(count):
                    look(x, (((n + i) * group + g) * channels + c) * plane, ours, plane, seen[0], seen[1], lines,
                         columns, band, across, q, v, i * tiles * pitch, pitch, most * pitch, form, 0)
                    look(dy, (((n + i) * group + g) * outs + o) * out_plane, valid, out_plane, made[0], made[1],
                         out_lines, out_columns, band, across, q, d, i * tiles * width, width, most * width, form, 1)
                for k in range(every):
                    multiply(v, k * most * pitch, rows, 0, ours, steps, 0, count * tiles, d, k * most * width, m,
                             k * (part + SLACK) * width, place > 0, False, x.dtype.type(1), block < wide, vectors,
                             narrow)
            for i in range(ours):
                for j in range(0, width, lanes):
                    filters(m, i * width + j, (part + SLACK) * width, s, i * area * width + j, width, form, 2)
            elements = ours * area
            transpose(s, constant(0), width, m, constant(0), elements, elements, valid)
            for lane in range(valid):
                target = (((g * outs + o + lane) * channels) + c) * area
                total, more = dw[target:target + elements], m[lane * elements:(lane + 1) * elements]
                for i in range(elements):
                    total[i] += more[i]

    return winograd_gradient_kernel
