"""Sixteen images side by side (or as many as a vector register holds): to this layout and back.

A *chunk* is ``lanes`` neighbouring images in the layout ``(elements of an image, lanes)``: a vector register then
holds one element of every image, and whatever is done to one image is done to all at once. Where the last chunk has
fewer images, the other lanes are 0.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types

from caffe_lite.kernels.vector import VECTOR_BYTES, Code, intrinsic

Array = Any


@intrinsic
def _transpose(typing: Any, source: Any, start: Any, step: Any, target: Any, first: Any, jump: Any) -> Any:
    """``target[first + i * jump + j] = source[start + j * step + i]`` for i and j below the number of lanes."""
    signature = types.void(source, types.int64, types.int64, target, types.int64, types.int64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder, source.dtype)
        n = code.lanes
        rows = [code.load(code.array(source, args[0], code.add(args[1], code.mul(args[2], j)))) for j in range(n)]
        low = [i // 2 + n * (i % 2) for i in range(n)]
        high = [i + n // 2 for i in low]
        for _ in range(n.bit_length() - 1):  # each round doubles the runs that are in place
            half = list(zip(rows[:n // 2], rows[n // 2:], strict=True))
            rows = [code.shuffle(a, b, order) for a, b in half for order in (low, high)]
        for i, row in enumerate(rows):
            code.store(row, code.array(target, args[3], code.add(args[4], code.mul(args[5], i))))
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True)
def pack(images: Array, image: int, start: int, count: int, chunk: int, num: int, packed: Array) -> None:
    """``packed[i * lanes + j] = images[(chunk * lanes + j) * image + start + i]`` for ``i < count``.

    ``images`` are ``num`` of ``image`` elements each.
    """
    lanes = VECTOR_BYTES // images.itemsize
    there = min(lanes, num - chunk * lanes)
    base, done = chunk * lanes * image + start, 0
    if there == lanes:
        done = count // lanes * lanes
        for i in range(0, done, lanes):
            _transpose(images, base + i, image, packed, i * lanes, lanes)
    for i in range(done, count):
        for j in range(there):
            packed[i * lanes + j] = images[base + j * image + i]
        for j in range(there, lanes):
            packed[i * lanes + j] = 0


@njit(cache=True, nogil=True)
def unpack(packed: Array, images: Array, image: int, start: int, count: int, chunk: int, num: int) -> None:
    """The reverse of ``pack``; lanes without an image are dropped."""
    lanes = VECTOR_BYTES // images.itemsize
    there = min(lanes, num - chunk * lanes)
    base, done = chunk * lanes * image + start, 0
    if there == lanes:
        done = count // lanes * lanes
        for i in range(0, done, lanes):
            _transpose(packed, i * lanes, lanes, images, base + i, image)
    for j in range(there):
        for i in range(done, count):
            images[base + j * image + i] = packed[i * lanes + j]


@njit(cache=True, nogil=True)
def transpose(source: Array, s0: int, s_step: int, target: Array, t0: int, t_step: int, rows: int,
              columns: int) -> None:
    """``target[t0 + i * t_step + j] = source[s0 + j * s_step + i]`` for ``i < columns``, ``j < rows``; two arrays."""
    lanes = VECTOR_BYTES // source.itemsize
    if rows < lanes or columns < lanes:
        for j in range(rows):
            for i in range(columns):
                target[t0 + i * t_step + j] = source[s0 + j * s_step + i]
        return
    for y in range(0, rows, lanes):
        j = min(y, rows - lanes)  # the last squares overlap those before
        for x in range(0, columns, lanes):
            i = min(x, columns - lanes)
            _transpose(source, s0 + j * s_step + i, s_step, target, t0 + i * t_step + j, t_step)
