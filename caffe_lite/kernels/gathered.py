"""Convolutions with channels in the lanes of the vectors.

A convolution and both its gradients are products of a matrix that is gathered from the images and a packed one:
``C[r, l] = Σ_t X[rows[r] + steps[t]] B[t, l]``. For the convolution r counts places of the output, t elements of a
filter, and l filters; for the gradient of the filters r and t change roles. Two tables of offsets hold the whole
geometry, so that every size, stride, dilation and number of dimensions runs at the same rate, and so does a single
image. Images are first copied into a frame of zeros where there is padding.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from numba import njit, types
from numba.extending import overload

from caffe_lite.kernels.arrays import clear, copy
from caffe_lite.kernels.lanes import transpose
from caffe_lite.kernels.vector import REGISTERS, VECTOR_BYTES, Code, constant, intrinsic, literals, sized

Array = Any
# For each width of a tile in vectors its height: the sums, a row of B and one factor must fit into the registers, and
# an address for each row into the others. Measured.
TILE_ROWS = {1: 8, 2: 8, 3: 8, 4: 6} if REGISTERS == 32 else {1: 8, 2: 5}
MOST_VECTORS = max(TILE_ROWS)
SLACK = 8  # rows that a last tile may reach over the end


@intrinsic
def tile_product(typing: Any, x: Any, x0: Any, rows: Any, r0: Any, steps: Any, s0: Any, depth: Any, b: Any, b0: Any,
                 c: Any, c0: Any, more: Any, last: Any, slope: Any, tile_rows: Any, vectors: Any) -> Any:
    """``C[i] = Σ_t X[rows[r0 + i] + steps[s0 + t]] B[t]`` for ``tile_rows`` rows of ``vectors`` vectors.

    It is added to what is there if there is ``more``. If it is the ``last``, ``C = relu(C B[depth] + B[depth + 1])``.
    """
    sizes = literals(tile_rows, vectors)
    if sizes is None:
        return None
    height, width = sizes
    i64 = types.int64
    signature = types.void(x, i64, rows, i64, steps, i64, i64, b, i64, c, i64, types.boolean, types.boolean, x.dtype,
                           tile_rows, vectors)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, x.dtype)
        x_at, row_at = code.array(x, args[0], args[1]), code.array(rows, args[2], args[3])
        step_at, depth = code.array(steps, args[4], args[5]), args[6]
        b_at, c_at = code.array(b, args[7], args[8]), code.array(c, args[9], args[10])
        more, last, slope = args[11:14]
        x_rows = [code.at(x_at, builder.load(code.at(row_at, i))) for i in range(height)]
        sums = [code.variables(width) for _ in range(height)]
        for line in sums:
            for s in line:
                builder.store(code.zero, s)
        with code.loop(0, depth) as t:
            step = builder.load(code.at(step_at, t))
            b_t = code.at(b_at, code.mul(t, width * code.lanes))
            right = [code.load(code.at(b_t, j * code.lanes)) for j in range(width)]
            for x_row, line in zip(x_rows, sums, strict=True):
                factor = code.broadcast(builder.load(code.at(x_row, step)))
                for s, vector in zip(line, right, strict=True):
                    builder.store(code.fma(factor, vector, builder.load(s)), s)
        every = [(s, j, code.at(c_at, (i * width + j) * code.lanes)) for i, line in enumerate(sums)
                 for j, s in enumerate(line)]
        with builder.if_then(more):
            for s, _, place in every:
                builder.store(builder.fadd(code.load(place), builder.load(s)), s)
        with builder.if_then(last):
            end = code.at(b_at, code.mul(depth, width * code.lanes))
            factors, biases = ([code.load(code.at(end, (i * width + j) * code.lanes)) for j in range(width)]
                               for i in (0, 1))
            slopes = code.broadcast(slope)
            for s, j, _ in every:
                value = code.fma(builder.load(s), factors[j], biases[j])
                above = builder.fcmp_ordered(">", value, code.zero)
                high, low = builder.select(above, value, code.zero), builder.select(above, code.zero, value)
                builder.store(code.fma(slopes, low, high), s)
        for s, _, place in every:
            code.store(builder.load(s), place)
        return context.get_dummy_value()

    return signature, codegen


def multiply(x: Array, x0: int, rows: Array, first: int, last: int, steps: Array, s0: int, depth: int, b: Array,
             b0: int, c: Array, c0: int, more: bool, final: bool, slope: float, wide: bool, vectors: int,
             narrow: int) -> None:
    """``tile_product`` for the rows ``first`` to ``last``, and up to ``SLACK`` more; for kernels.

    The block of B is ``vectors`` vectors wide or, if it is not ``wide``, ``narrow``: both are literals.
    """
    raise NotImplementedError


@overload(multiply, strict=False, prefer_literal=True)  # a kernel of its own, in a closure, would spoil numba's cache
def _multiply(x: Any, x0: Any, rows: Any, first: Any, last: Any, steps: Any, s0: Any, depth: Any, b: Any, b0: Any,
              c: Any, c0: Any, more: Any, final: Any, slope: Any, wide: Any, vectors: Any, narrow: Any) -> Any:
    sizes = literals(vectors, narrow)
    if sizes is None:
        return None
    wide_vectors, narrow_vectors = sizes
    wide_rows, narrow_rows = TILE_ROWS[wide_vectors], TILE_ROWS[narrow_vectors]
    lanes = VECTOR_BYTES // (x.dtype.bitwidth // 8)

    def kernel(x, x0, rows, first, last, steps, s0, depth, b, b0, c, c0, more, final, slope, wide,  # type: ignore
               vectors, narrow):
        if wide:
            for r in range(first, last, wide_rows):
                tile_product(x, x0, rows, r, steps, s0, depth, b, b0, c, c0 + (r - first) * wide_vectors * lanes, more,
                             final, slope, wide_rows, wide_vectors)
        else:
            for r in range(first, last, narrow_rows):
                tile_product(x, x0, rows, r, steps, s0, depth, b, b0, c, c0 + (r - first) * narrow_vectors * lanes,
                             more, final, slope, narrow_rows, narrow_vectors)

    return kernel


@njit(cache=True, nogil=True)
def pack_terms(factor: Array, bias: Array, first: int, valid: int, width: int, out: Array) -> None:
    """The factors and then the biases of a block of filters, 0 for lanes that are too many."""
    for lane in range(width):
        out[lane] = factor[first + lane] if lane < valid else 0
        out[width + lane] = bias[first + lane] if lane < valid else 0


@njit(cache=True, nogil=True)
def _frame(x: Array, x0: int, planes: int, plane: int, framed: int, sources: Array, targets: Array, width: int,
           out: Array) -> None:
    """Copy planes into ones of ``framed`` elements, zeros around them, line by line."""
    for p in range(planes):
        clear(p * framed, (p + 1) * framed, out)
        here = out[p * framed:(p + 1) * framed]
        for line in range(len(sources)):
            copy(x, x0 + p * plane + sources[line], here, targets[line], width)


@njit(cache=True, nogil=True)
def pack_filters(begin: int, end: int, w: Array, factor: Array, bias: Array, taps: Array, w_sizes: Any, y_sizes: Any,
                 packed: Array) -> None:
    """``packed[block, u, j, l] = w[u * outer + l * lane + taps[j]]``, 0 for lanes that are too many; after each block
    its factors and biases. The outer loop counts for each block of filters in groups parts of what each of them sees.
    """
    depth, w_group, outer, lane_step = w_sizes
    outs, lanes, blocks, vectors, wide, parts = y_sizes
    count = len(taps)
    high = depth * count
    part = (high + parts - 1) // parts
    one_run = taps[count - 1] == count - 1 and outer == count  # all that belongs to a lane follows each other
    for unit in range(begin, end):
        block = unit // parts % blocks
        width = lanes * (vectors if block < wide else vectors - 1)
        first = lanes * (block * vectors - max(0, block - wide))
        valid = min(width, outs - first)
        w0, at = unit // (parts * blocks) * w_group + first * lane_step, unit // parts * (high + 2) * lanes * vectors
        if unit % parts == 0:
            o, tail = unit // (parts * blocks) * outs + first, packed[at + high * width:at + (high + 2) * width]
            pack_terms(factor, bias, o, valid, width, tail)
        lo = min(high, unit % parts * part)
        hi = min(high, lo + part)
        if valid < width:
            clear(at + lo * width, at + hi * width, packed)
        if one_run and high > 1:
            transpose(w, w0 + lo, lane_step, packed, at + lo * width, width, valid, hi - lo)
        else:
            for t in range(lo, hi):
                source, target = w0 + t // count * outer + taps[t % count], at + t * width
                if lane_step == 1:
                    copy(w, source, packed, target, valid)
                else:
                    line, out = w[source:source + (valid - 1) * lane_step + 1], packed[target:target + valid]
                    for lane in range(valid):
                        out[lane] = line[lane * lane_step]


@njit(cache=True, nogil=True)
def _store(sums: Array, width: int, valid: int, first: int, last: int, pixels: int, places: Array, y: Array, y0: int,
           image: int, plane: int) -> None:
    """The rows ``first`` to ``last`` of the product, counted through images of ``pixels``, to their channels."""
    row = first
    while row < last:
        n, pixel = row // pixels, row % pixels
        count = min(last - row, pixels - pixel)
        target = y0 + n * image
        if len(places) == 0:
            transpose(sums, (row - first) * width, width, y, target + pixel, plane, count, valid)
        else:
            for lane in range(valid):
                for i in range(count):
                    y[target + lane * plane + places[pixel + i]] = sums[(row - first + i) * width + lane]
        row += count


@cache
def convolve(vectors: int, narrow: int) -> Any:
    """The convolution whose first blocks of filters are ``vectors`` vectors wide, the others ``narrow``."""

    @njit(cache=True, nogil=True)
    @sized(vectors, narrow)
    def convolve_kernel(begin: int, end: int, x: Array, packed: Array, y: Array, framed_x: Array, sums: Array,
                        slope: float, sources: Array, targets: Array, rows: Array, steps: Array, places: Array,
                        x_sizes: Any, y_sizes: Any) -> None:
        """``y = relu(factor (w * x) + bias)``; the outer loop counts for each block of images, group and block of
        filters parts of the rows."""
        images, channels, plane, framed, line, depth, deep = x_sizes
        group, outs, blocks, wide, part, parts, pixels, out_plane = y_sizes
        lanes, image = VECTOR_BYTES // x.itemsize, group * outs * out_plane
        now = -1
        for unit in range(begin, end):
            b, g = unit // (parts * blocks * group), unit // (parts * blocks) % group
            block, first = unit // parts % blocks, unit % parts * part
            last = min(images * pixels, first + part)
            width = lanes * (vectors if block < wide else narrow)
            o = lanes * (block * vectors - max(0, block - wide))
            valid = min(width, outs - o)
            x0 = b * images * channels * plane
            if framed > plane:
                if b != now:
                    _frame(x, x0, images * channels, plane, framed, sources, targets, line, framed_x)
                    now = b
                x0 = 0
            seen = framed_x if framed > plane else x
            for t in range(0, depth, deep):
                at = (g * blocks + block) * (depth + 2) * lanes * vectors + t * width
                x_at, count = x0 + g * (channels // group) * framed, min(deep, depth - t)
                multiply(seen, x_at, rows, first, last, steps, t, count, packed, at, sums, 0, t > 0,
                         t + count == depth, slope, block < wide, vectors, narrow)
            _store(sums, width, valid, first, last, pixels, places, y, b * images * image + (g * outs + o) * out_plane,
                   image, out_plane)

    return convolve_kernel


@cache
def filter_gradient(vectors: int, narrow: int) -> Any:
    """The gradient of the filters, blocks of which are as wide as for ``convolve``."""

    @njit(cache=True, nogil=True)
    @sized(vectors, narrow)
    def gradient_kernel(begin: int, end: int, x: Array, dy: Array, dw: Array, framed_x: Array, panel: Array,
                        sums: Array, sources: Array, targets: Array, rows: Array, steps: Array, x_sizes: Any,
                        y_sizes: Any) -> None:
        """Add to ``dw``; the outer loop counts for each group and block of filters parts of their elements.

        ``sums``, which all threads share, has room for all filters, each block's in the lanes; or, where all pixels
        are taken at once, every thread has its own with room for a part.
        """
        num, images, channels, plane, framed, line = x_sizes
        group, outs, blocks, wide, part, parts, pixels, pixel_block = y_sizes
        lanes = VECTOR_BYTES // x.itemsize
        elements, depth = len(rows) - SLACK, channels // group
        block_size, deepest = (elements + SLACK) * lanes * vectors, min(pixel_block, images * pixels)
        at_once = num == images and images * pixels <= pixel_block  # a part's sums then never leave the cache
        step, framed_now = 1 if at_once else end - begin, -1
        for start in range(begin, end, step):
            units = range(start, min(end, start + step))
            for n in range(0, num, images):
                x0 = n * channels * plane
                if framed > plane:
                    if n != framed_now:
                        _frame(x, x0, images * channels, plane, framed, sources, targets, line, framed_x)
                        framed_now = n
                    x0 = 0
                seen = framed_x if framed > plane else x
                for p in range(0, images * pixels, pixel_block):
                    deep, now, more = min(pixel_block, images * pixels - p), -1, n > 0 or p > 0
                    for unit in units:
                        block, first = unit // parts, unit % parts * part
                        g, last = block // blocks, min(elements, first + part)
                        is_wide = block % blocks < wide
                        width = lanes * (vectors if is_wide else narrow)
                        at = -first * width if at_once else block * block_size
                        if block != now:
                            now = block
                            o = lanes * (block % blocks * vectors - max(0, block % blocks - wide))
                            valid = min(width, outs - o)
                            if valid < width:
                                for i in range(deep * width):
                                    panel[i] = 0
                            q = p
                            while q < p + deep:
                                image, pixel = n + q // pixels, q % pixels
                                count = min(p + deep - q, pixels - pixel)
                                transpose(dy, ((image * group + g) * outs + o) * pixels + pixel, pixels, panel,
                                          (q - p) * width, width, valid, count)
                                q += count
                        multiply(seen, x0 + g * depth * framed, rows, first, last, steps, p, deep, panel, 0, sums,
                                 at + first * width, more, False, x.dtype.type(1), is_wide, vectors, narrow)
            for unit in units:
                block, first = unit // parts, unit % parts * part
                last = min(elements, first + part)
                is_wide = block % blocks < wide
                width = lanes * (vectors if is_wide else narrow)
                o = lanes * (block % blocks * vectors - max(0, block % blocks - wide))
                valid = min(width, outs - o)
                at = -first * width if at_once else block * block_size
                for r in range(first, last, deepest):
                    count = min(deepest, last - r)
                    transpose(sums, at + r * width, width, panel, constant(0), count, count, valid)
                    for lane in range(valid):
                        target = ((block // blocks) * outs + o + lane) * elements + r
                        total, part_sums = dw[target:target + count], panel[lane * count:(lane + 1) * count]
                        for i in range(count):
                            total[i] += part_sums[i]

    return gradient_kernel
