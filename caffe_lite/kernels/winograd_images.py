"""Winograd's minimal filtering with images in the lanes: for batches of whole vectors with few channels.

The points are computed row by row: what the inputs contribute to a row of points (``_look``), its matrix products, and
what these contribute to the outputs (``_spread``). So only a row of them must stay in the cache. Back go the same three
steps: the gradients of the outputs to points, products with the filters' points the other way round, and to the inputs.
Tiles that see the same input then add to it.

Images lie in chunks (see ``lanes``), in planes framed so that tiles neither miss nor exceed them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit, types

from caffe_lite.kernels.arrays import clear, copy
from caffe_lite.kernels.gathered import tile_product
from caffe_lite.kernels.gemm import gemm_dot
from caffe_lite.kernels.lanes import pack, unpack
from caffe_lite.kernels.relu import relu_forward
from caffe_lite.kernels.vector import VECTOR_BYTES, Code, constant, flag, intrinsic, literals, sized
from caffe_lite.kernels.winograd_forms import FORMS, along, combine, seen_by_points, transposed

Array = Any


def terms(form: int, back: int, dtype: Any) -> tuple[Any, Any, Any]:
    """For each row of points which lines of places count for it, and their factors: those of row k are at
    ``starts[k]`` to ``starts[k + 1]``."""
    matrix = np.asarray(seen_by_points(form, back), dtype)
    rows, lines = np.nonzero(matrix)
    return np.searchsorted(rows, np.arange(form + 1)), lines.copy(), matrix[rows, lines]


@intrinsic
def _look(typing: Any, x: Any, x0: Any, pitch: Any, lines: Any, factors: Any, begin: Any, end: Any, v: Any, v0: Any,
          step: Any, form: Any, back: Any) -> Any:
    """``v[l * step] = Σ_j M[l, j] Σ_t factors[t] x[lines[t] * pitch + j]``: a row of points, for which t goes from
    ``begin`` to ``end``."""
    sizes = literals(form, back)
    if sizes is None:
        return None
    matrix, i64 = seen_by_points(*sizes), types.int64
    signature = types.void(x, i64, i64, lines, factors, i64, i64, v, i64, i64, form, back)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_at, v_at = code.array(x, args[0], args[1]), code.array(v, args[7], args[8])
        sums = code.variables(len(matrix[0]))
        for s in sums:
            builder.store(code.zero, s)
        with code.loop(args[5], args[6]) as t:
            line = code.at(x_at, code.mul(args[2], builder.load(code.array(lines, args[3], t))))
            factor = code.broadcast(builder.load(code.array(factors, args[4], t)))
            for j, s in enumerate(sums):
                builder.store(code.fma(factor, code.load(code.at(line, j * code.lanes)), builder.load(s)), s)
        seen = [builder.load(s) for s in sums]
        for k, row in enumerate(matrix):
            code.store(combine(code, row, seen), code.at(v_at, code.mul(args[9], k)))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _spread(typing: Any, m: Any, m0: Any, step: Any, lines: Any, factors: Any, begin: Any, end: Any, y: Any, y0: Any,
            pitch: Any, form: Any, back: Any) -> Any:
    """``y[lines[t] * pitch + j] += factors[t] Σ_l M[l, j] m[l * step]``: the reverse."""
    sizes = literals(form, back)
    if sizes is None:
        return None
    matrix, i64 = seen_by_points(*sizes), types.int64
    signature = types.void(m, i64, i64, lines, factors, i64, i64, y, i64, i64, form, back)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, m.dtype)
        m_at, y_at = code.array(m, args[0], args[1]), code.array(y, args[7], args[8])
        products = [code.load(code.at(m_at, code.mul(args[2], k))) for k in range(len(matrix))]
        made = [combine(code, column, products) for column in transposed(matrix)]
        with code.loop(args[5], args[6]) as t:
            line = code.at(y_at, code.mul(args[9], builder.load(code.array(lines, args[3], t))))
            factor = code.broadcast(builder.load(code.array(factors, args[4], t)))
            for j, value in enumerate(made):
                place = code.at(line, j * code.lanes)
                code.store(code.fma(factor, value, code.load(place)), place)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _gather(typing: Any, u: Any, u0: Any, pitch: Any, share: Any, shares: Any, line: Any, line0: Any,
            form: Any) -> Any:
    """``line[l] = Σ_s u[s * share + l * pitch]``: a row of points that is a sum of ``shares``."""
    sizes = literals(form)
    if sizes is None:
        return None
    i64 = types.int64
    signature = types.void(u, i64, i64, i64, i64, line, i64, form)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, u.dtype)
        sums = code.variables(sizes[0])
        for s in sums:
            builder.store(code.zero, s)
        with code.loop(0, args[4]) as t:
            begin = code.array(u, args[0], code.add(args[1], code.mul(args[3], t)))
            for k, s in enumerate(sums):
                builder.store(builder.fadd(builder.load(s), code.load(code.at(begin, code.mul(args[2], k)))), s)
        for k, s in enumerate(sums):
            code.store(builder.load(s), code.at(code.array(line, args[5], args[6]), k * code.lanes))
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True)
def enter(begin: int, end: int, x: Array, planes: int, num: int, frame: Any, one: Array, framed: Array) -> None:
    """Images to chunks of framed planes, by way of ``one`` of them; the outer loop counts for each chunk planes."""
    height, width, framed_height, framed_width, top, left = frame
    lanes, plane, size = VECTOR_BYTES // x.itemsize, height * width, framed_height * framed_width
    for unit in range(begin, end):
        chunk, start = unit // planes, unit % planes * plane
        out = framed[unit * size * lanes:(unit + 1) * size * lanes]
        pack(x, planes * plane, start, plane, chunk, num, out if size == plane else one)
        if size > plane:
            clear(constant(0), len(out), out)
            for i in range(height):
                copy(one, i * width * lanes, out, ((top + i) * framed_width + left) * lanes, width * lanes)


@njit(cache=True, nogil=True)
def leave(begin: int, end: int, framed: Array, planes: int, num: int, frame: Any, one: Array, y: Array) -> None:
    """The reverse."""
    height, width, framed_height, framed_width, top, left = frame
    lanes, plane, size = VECTOR_BYTES // y.itemsize, height * width, framed_height * framed_width
    for unit in range(begin, end):
        chunk, start = unit // planes, unit % planes * plane
        made = framed[unit * size * lanes:(unit + 1) * size * lanes]
        if size > plane:
            for i in range(height):
                copy(made, ((top + i) * framed_width + left) * lanes, one, i * width * lanes, width * lanes)
        unpack(made if size == plane else one, y, planes * plane, start, plane, chunk, num)


@cache
def points_of_filters(form: int) -> Any:
    """The points of filters."""
    taps, area = FORMS[form].taps, FORMS[form].taps ** 2

    @njit(cache=True, nogil=True)
    @sized(form)
    def points_kernel(begin: int, end: int, w: Array, count: int, pitch: int, scratch: Array, u: Array) -> None:
        """``u[k * pitch + f] = (G g Gᵀ)[k]`` of the filters g in ``w[f]``; the outer loop counts vectors of ``count``
        filters."""
        lanes = VECTOR_BYTES // w.itemsize
        for unit in range(begin, end):
            first = unit * lanes
            pack(w, constant(area), constant(0), constant(area), unit, count, scratch)
            for j in range(taps):
                along(scratch, j * lanes, taps * lanes, scratch, (area + j) * lanes, taps * lanes, form, 0)
            for k in range(form):
                along(scratch, (area + k * taps) * lanes, lanes, u, first + k * form * pitch, pitch, form, 0)

    return points_kernel


@cache
def filters_of_points(form: int) -> Any:
    """The gradient of filters from that of their points."""
    taps, area = FORMS[form].taps, FORMS[form].taps ** 2

    @njit(cache=True, nogil=True)
    @sized(form)
    def filters_kernel(begin: int, end: int, du: Array, shares: int, count: int, pitch: int, scratch: Array,
                       dw: Array) -> None:
        """Add it, which is the sum of ``shares``, to ``dw``; as above."""
        lanes = VECTOR_BYTES // dw.itemsize
        for unit in range(begin, end):
            first = unit * lanes
            for k in range(form):
                _gather(du, first + k * form * pitch, pitch, form * form * pitch, shares, scratch,
                        (area + form * taps) * lanes, form)
                along(scratch, (area + form * taps) * lanes, lanes, scratch, (area + k * taps) * lanes, lanes, form, 1)
            for j in range(taps):
                along(scratch, (area + j) * lanes, taps * lanes, scratch, j * lanes, taps * lanes, form, 1)
            for f in range(min(lanes, count - first)):
                for i in range(area):
                    dw[(first + f) * area + i] += scratch[i * lanes + f]

    return filters_kernel


@cache
def convolve(form: int, rows: int, vectors: int) -> Any:
    """Matrix products are done in tiles of ``rows`` channels and ``vectors`` tiles of the image."""
    tile = FORMS[form].tile

    @njit(cache=True, nogil=True)
    @sized(form, rows, vectors)
    def winograd_images_kernel(begin: int, end: int, x: Array, u: Array, bias: Array, y: Array, v: Array, m: Array,
                               slope: float, back: bool, u_rows: Array, u_steps: Array, x_terms: Any, y_terms: Any,
                               x_line: int, x_plane: int, y_line: int, y_plane: int, sizes: Any) -> None:
        """``y = relu(w * x + bias)``, or if it goes ``back`` from the gradients of the outputs to those of the inputs;
        the outer loop counts for each chunk of images and group parts of what is made."""
        group, channels, outs, part, parts, down, across, u_group, pitch = sizes
        starts, lines, factors = x_terms
        y_starts, y_lines, y_factors = y_terms
        tiles, together = down * across, (down * across + vectors - 1) // vectors
        lanes = VECTOR_BYTES // x.itemsize
        v_step, m_step = together * channels * vectors * lanes, together * rows * vectors * lanes
        for unit in range(begin, end):
            place, first = unit // parts, unit % parts * part  # chunk and group
            ours = min(part, outs - first)
            y0 = (place * outs + first) * y_plane
            made = y[y0:y0 + ours * y_plane]
            for r in range(ours):
                start, plane = bias[place % group * outs + first + r], made[r * y_plane:(r + 1) * y_plane]
                for i in range(len(plane)):
                    plane[i] = start
            for k in range(form):
                u0, begins, ends = k * form * pitch + place % group * u_group, starts[k], starts[k + 1]
                for t in range(tiles):
                    x0 = place * channels * x_plane + t // across * tile * x_line + t % across * tile * lanes
                    v0 = (t // vectors * channels * vectors + t % vectors) * lanes
                    for _ in range(channels):
                        if back:
                            _look(x, x0, x_line, lines, factors, begins, ends, v, v0, v_step, form, 1)
                        else:
                            _look(x, x0, x_line, lines, factors, begins, ends, v, v0, v_step, form, 0)
                        x0 += x_plane
                        v0 += vectors * lanes
                begins, ends = y_starts[k], y_starts[k + 1]
                for r in range(0, ours, rows):
                    for q in range(form * together):
                        tile_product(u, u0 + q // together * pitch, u_rows, first + r, u_steps, 0, channels, v,
                                     q * channels * vectors * lanes, m, q * rows * vectors * lanes, False, False,
                                     slope, rows, vectors)
                    for t in range(tiles):
                        m0 = (t // vectors * rows * vectors + t % vectors) * lanes
                        y0 = r * y_plane + t // across * tile * y_line + t % across * tile * lanes
                        for _ in range(min(rows, ours - r)):
                            if back:
                                _spread(m, m0, m_step, y_lines, y_factors, begins, ends, made, y0, y_line, form, 0)
                            else:
                                _spread(m, m0, m_step, y_lines, y_factors, begins, ends, made, y0, y_line, form, 1)
                            m0 += vectors * lanes
                            y0 += y_plane
            if slope != 1:
                relu_forward(constant(0), len(made), made, slope, made)

    return winograd_images_kernel


@cache
def point_gradient(form: int) -> Any:
    """The gradient of the filters' points."""
    tile = FORMS[form].tile

    @njit(cache=True, nogil=True)
    @sized(form)
    def point_gradient_kernel(begin: int, end: int, x: Array, dy: Array, du: Array, v: Array, d: Array, x_terms: Any,
                              y_terms: Any, x_line: int, x_plane: int, y_line: int, y_plane: int, sizes: Any) -> None:
        """Overwrite ``du``; the outer loop counts for each share of the images, row of points and group parts of the
        outputs."""
        shares, chunks, some, group, channels, outs, part, parts, down, across, pitch = sizes
        starts, lines, factors = x_terms
        y_starts, y_lines, y_factors = y_terms
        lanes, tiles, now = VECTOR_BYTES // x.itemsize, down * across, -1
        for unit in range(begin, end):
            row, g, first = unit // (parts * group), unit // parts % group, unit % parts * part
            share, k, ours = row // form, row % form, min(part, outs - first)
            lo, hi = chunks * share // shares, chunks * (share + 1) // shares
            for chunk in range(lo, hi, some):
                deep = min(some, hi - chunk) * tiles * lanes
                if unit // parts != now or some < hi - lo:
                    now = unit // parts
                    for c in range(channels):
                        for place in range(0, deep, lanes):
                            n, t = (chunk + place // lanes // tiles) * group + g, place // lanes % tiles
                            x0 = (n * channels + c) * x_plane + t // across * tile * x_line + t % across * tile * lanes
                            _look(x, x0, x_line, lines, factors, starts[k], starts[k + 1], v, c * deep + place,
                                  channels * deep, form, 0)
                for o in range(ours):
                    for place in range(0, deep, lanes):
                        n, t = (chunk + place // lanes // tiles) * group + g, place // lanes % tiles
                        y0 = (n * outs + first + o) * y_plane + t // across * tile * y_line + t % across * tile * lanes
                        _look(dy, y0, y_line, y_lines, y_factors, y_starts[k], y_starts[k + 1], d, o * deep + place,
                              ours * deep, form, 1)
                for q in range(form):
                    gemm_dot(constant(0), channels, d, q * ours * deep, deep, v, q * channels * deep, deep, du,
                             (row * form + q) * pitch + (g * outs + first) * channels, channels, ours, deep,
                             flag(chunk > lo))

    return point_gradient_kernel
