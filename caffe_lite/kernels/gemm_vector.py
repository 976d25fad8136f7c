"""Matrix products as explicit vector code; the same arguments and results as ``gemm_plain``.

A tile of C stays in registers over the whole depth. Nothing is packed: rows of B are read where they lie, elements
of A are broadcast. The depth is cut into blocks so that what a tile re-reads stays in the cache.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types

from caffe_lite.kernels.vector import REGISTERS, VECTOR_BYTES, Code, intrinsic, literals

Array = Any
# Rows and vectors of a tile, tall or low, whichever wastes fewer rows: the sums, a row of B and one factor must fit
# into the registers. Measured, as all that follows.
ROWS, VECTORS, LOW_ROWS, LOW_VECTORS = (8, 3, 5, 5) if REGISTERS == 32 else (6, 2, 5, 2)
DEPTH, SHALLOW = 256, 32  # of a block that stays in the cache, and at least of one that streams through it
ONE_ROW_VECTORS, ONE_ROW_DEPTH = 4, 8  # for a single row: memory is what takes time, and it goes along rows of B
FEW_ROWS = 48  # with so few, an element of B is used so seldom that it is memory that takes the time
PANEL = 1 << 16  # elements of B that many rows go over again and again
# The same for products of rows with rows.
DOT_ROWS, DOT_COLUMNS, SQUARE = (4, 6, 5) if REGISTERS == 32 else (4, 2, 3)
DOT_DEPTH, DOT_PANEL, ONE_ROW = 2048, 1 << 16, 8  # columns at a time for a single row


@intrinsic
def _tile(typing: Any, a: Any, a0: Any, a_row: Any, a_col: Any, b: Any, b0: Any, b_row: Any, c: Any, c0: Any,
          c_row: Any, rows: Any, columns: Any, k: Any, accumulate: Any, tile_rows: Any, vectors: Any) -> Any:
    """``C[i, j] = Σ_t A[i, t] B[t, j]`` for ``tile_rows`` rows x ``vectors`` vectors.

    Rows beyond ``rows`` repeat the last one; a tile one vector wide stops after ``columns`` columns.
    """
    sizes = literals(tile_rows, vectors)
    if sizes is None:
        return None
    height, width = sizes
    integers = [types.int64] * 3
    signature = types.void(a, *integers, b, *integers[:2], c, *integers[:2], *integers, types.boolean, tile_rows,
                           vectors)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, a.dtype)
        a_row, a_col, b_row, c_row, rows, columns, k, accumulate = (args[i] for i in (2, 3, 6, 9, 10, 11, 12, 13))
        mask = code.first(columns) if width == 1 else None
        row = [code.least(i, code.add(rows, -1)) for i in range(height)]
        a_rows = [code.array(a, args[0], code.add(args[1], code.mul(r, a_row))) for r in row]
        b_rows = code.array(b, args[4], args[5])
        c_rows = [code.array(c, args[7], code.add(args[8], code.mul(r, c_row))) for r in row]
        sums = [code.variables(width) for _ in range(height)]
        for i in range(height):
            for j in range(width):
                builder.store(code.zero, sums[i][j])
        beyond = range(width * code.lanes, 2 * width * code.lanes, code.lanes)  # the tile on the right
        goes_on = builder.icmp_signed(">", columns, code.index(width * code.lanes))
        with builder.if_then(builder.and_(accumulate, goes_on)):  # else it is another thread's
            for c_line in c_rows:
                for j in beyond:
                    code.prefetch(code.at(c_line, j))
        with code.loop(0, k) as t:
            b_t = code.at(b_rows, code.mul(t, b_row))
            for j in beyond:
                code.prefetch(code.at(b_t, j))
            line = [code.load(code.at(b_t, j * code.lanes), mask) for j in range(width)]
            for i in range(height):
                factor = code.broadcast(builder.load(code.at(a_rows[i], code.mul(t, a_col))))
                for j in range(width):
                    builder.store(code.fma(factor, line[j], builder.load(sums[i][j])), sums[i][j])
        places = [[code.at(row, j * code.lanes) for j in range(width)] for row in c_rows]
        old = [[builder.select(accumulate, code.load(p, mask), code.zero) for p in line] for line in places]
        for i in range(height):  # after all loads: repeated rows must be added to once only
            for j in range(width):
                code.store(builder.fadd(old[i][j], builder.load(sums[i][j])), places[i][j], mask)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def dot_tile(typing: Any, a: Any, a0: Any, a_row: Any, b: Any, b0: Any, b_row: Any, c: Any, c0: Any, c_row: Any,
              rows: Any, columns: Any, k: Any, accumulate: Any, tile_rows: Any, tile_columns: Any) -> Any:
    """``C[i, j] = Σ_t A[i, t] B[j, t]`` for ``tile_rows`` x ``tile_columns``; rows and columns beyond ``rows`` and
    ``columns`` repeat the last one."""
    sizes = literals(tile_rows, tile_columns)
    if sizes is None:
        return None
    height, width = sizes
    integers = [types.int64] * 3
    signature = types.void(a, *integers[:2], b, *integers[:2], c, *integers[:2], *integers, types.boolean, tile_rows,
                           tile_columns)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, a.dtype)
        a_row, b_row, c_row, rows, columns, k, accumulate = (args[i] for i in (2, 5, 8, 9, 10, 11, 12))
        row = [code.least(i, code.add(rows, -1)) for i in range(height)]
        column = [code.least(j, code.add(columns, -1)) for j in range(width)]
        a_rows = [code.array(a, args[0], code.add(args[1], code.mul(r, a_row))) for r in row]
        b_rows = [code.array(b, args[3], code.add(args[4], code.mul(r, b_row))) for r in column]
        sums = [code.variables(width) for _ in range(height)]
        for i in range(height):
            for j in range(width):
                builder.store(code.zero, sums[i][j])

        def step(t: Any, mask: Any = None) -> None:
            left = [code.load(code.at(p, t), mask) for p in a_rows]
            for j in range(width):
                right = code.load(code.at(b_rows[j], t), mask)
                for i in range(height):
                    builder.store(code.fma(left[i], right, builder.load(sums[i][j])), sums[i][j])

        rest = builder.srem(k, code.index(code.lanes))
        whole = builder.sub(k, rest)
        with code.loop(0, whole, code.lanes) as t:
            step(t)
        with builder.if_then(builder.icmp_signed(">", rest, code.index(0))):
            step(whole, code.first(rest))
        lines = [code.add(args[7], code.mul(r, c_row)) for r in row]
        places = [code.array(c, args[6], code.add(line, j)) for line in lines for j in column]
        total = code.sums([builder.load(s) for line in sums for s in line])
        zero = code.element(0.0)
        old = [builder.select(accumulate, builder.load(p), zero) for p in places]
        for p, before, s in zip(places, old, total, strict=True):
            # Stored after all are loaded: repeated places must be added to once only.
            builder.store(builder.fadd(before, s), p)
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True, inline="always")
def _up(count: int, step: int) -> int:
    """``count`` rounded up to a multiple of ``step``."""
    return -(-count // step) * step


@njit(cache=True, nogil=True, inline="always")
def _sized_tile(low: bool, wide: bool, a: Array, a0: int, a_row: int, a_col: int, b: Array, b0: int, b_row: int,
                c: Array, c0: int, c_row: int, rows: int, columns: int, k: int, accumulate: bool) -> None:
    """A low or a tall tile, of all its vectors or of one."""
    if low:
        if wide:
            _tile(a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, rows, columns, k, accumulate, LOW_ROWS, LOW_VECTORS)
        else:
            _tile(a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, rows, columns, k, accumulate, LOW_ROWS, 1)
    elif wide:
        _tile(a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, rows, columns, k, accumulate, ROWS, VECTORS)
    else:
        _tile(a, a0, a_row, a_col, b, b0, b_row, c, c0, c_row, rows, columns, k, accumulate, ROWS, 1)


@njit(cache=True, nogil=True)
def gemm_vector(begin: int, end: int, a: Array, a0: int, a_row: int, a_col: int, b: Array, b0: int, b_row: int,
                c: Array, c0: int, c_row: int, m: int, k: int, accumulate: bool) -> None:
    """See ``gemm_plain``.

    Few rows: all of them meet a tile of B as it comes by, a shallow one, so that B is read along its rows. Many: each
    goes over a panel of B, along its own row of C. A product that is added to something is complete before that (up
    to ``DEPTH``), so that opposite gradients cancel.
    """
    one = VECTOR_BYTES // c.itemsize
    low, few = _up(m, LOW_ROWS) < _up(m, ROWS), m <= FEW_ROWS
    depth = DEPTH if accumulate or not few else ONE_ROW_DEPTH if m == 1 else max(SHALLOW, m)
    if m == 1:
        width = one * ONE_ROW_VECTORS
        rest = (end - begin) % width
        for t in range(0, k, depth):
            for j in range(begin, end - rest, width):
                _tile(a, a0 + t * a_col, 0, a_col, b, b0 + t * b_row + j, b_row, c, c0 + j, 0, 1, end - j,
                      min(depth, k - t), accumulate or t > 0, 1, ONE_ROW_VECTORS)
        begin = end - rest
    height, width = (LOW_ROWS, one * LOW_VECTORS) if low else (ROWS, one * VECTORS)
    strip = max(1, end - begin) if few else _up(PANEL // max(1, min(k, depth)), width)
    together = max(1, m) if few else height
    for first in range(begin, end, strip):
        last = min(end, first + strip)
        for t in range(0, k, depth):
            at, bt, deep, add = a0 + t * a_col, b0 + t * b_row, min(depth, k - t), accumulate or t > 0
            for start in range(0, m, together):
                j = first
                while j < last:
                    wide = last - j >= width
                    for i in range(start, min(m, start + together), height):
                        _sized_tile(low, wide, a, at + i * a_row, a_row, a_col, b, bt + j, b_row, c,
                                    c0 + i * c_row + j, c_row, m - i, last - j, deep, add)
                    j += width if wide else one


@njit(cache=True, nogil=True)
def gemm_dot_vector(begin: int, end: int, a: Array, a0: int, a_row: int, b: Array, b0: int, b_row: int,
                    c: Array, c0: int, c_row: int, m: int, k: int, accumulate: bool) -> None:
    """See ``gemm_dot_plain``. Of A so much that it stays in the cache meets all columns, read as far as that goes."""
    n = end - begin
    square = _up(m, SQUARE) * _up(n, SQUARE) < _up(m, DOT_ROWS) * _up(n, DOT_COLUMNS)
    height, width = (1, ONE_ROW) if m == 1 else (SQUARE, SQUARE) if square else (DOT_ROWS, DOT_COLUMNS)
    panel = max(DOT_DEPTH, DOT_PANEL // max(1, m) // DOT_DEPTH * DOT_DEPTH)
    for u in range(0, k, panel):
        for j in range(begin, end, width):
            for t in range(u, min(k, u + panel), DOT_DEPTH):
                deep, add = min(DOT_DEPTH, k - t), accumulate or t > 0
                for i in range(0, m, height):
                    at, bt, ct = a0 + t + i * a_row, b0 + t + j * b_row, c0 + i * c_row + j
                    if m == 1:
                        dot_tile(a, at, a_row, b, bt, b_row, c, ct, c_row, m - i, end - j, deep, add, 1, ONE_ROW)
                    elif square:
                        dot_tile(a, at, a_row, b, bt, b_row, c, ct, c_row, m - i, end - j, deep, add, SQUARE, SQUARE)
                    else:
                        dot_tile(a, at, a_row, b, bt, b_row, c, ct, c_row, m - i, end - j, deep, add, DOT_ROWS,
                                  DOT_COLUMNS)
