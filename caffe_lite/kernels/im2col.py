"""Convolution in any number of dimensions, as Caffe does it: patches to columns, then a matrix product.

Column ``p`` of the patch matrix (``channels * prod(kernel)`` rows) is what the kernel sees at output position
``p``. The matrix is made a few rows of outputs at a time, so that it stays in the cache. ``geometry`` is an integer
array with a column for each spatial axis and the rows SIZE (of the input), OUT, KERNEL, PAD, STRIDE, DILATION.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from caffe_lite.kernels.gemm import gemm, gemm_dot

Array = Any
SIZE, OUT, KERNEL, PAD, STRIDE, DILATION = range(6)


@njit(cache=True, nogil=True)
def _product(a: Array) -> int:
    product = 1
    for i in range(len(a)):
        product *= a[i]
    return product


@njit(cache=True, nogil=True)
def _input_row(row: int, tap: int, geometry: Array) -> int:
    """The start of the input row that output row ``row`` sees through kernel element ``tap`` (both counted without
    the last axis), or -1 when that row lies in the padding."""
    last = geometry.shape[1] - 1
    start, step = 0, geometry[SIZE, last]
    for axis in range(last - 1, -1, -1):
        position = (row % geometry[OUT, axis]) * geometry[STRIDE, axis] - geometry[PAD, axis]
        position += (tap % geometry[KERNEL, axis]) * geometry[DILATION, axis]
        if position < 0 or position >= geometry[SIZE, axis]:
            return -1
        row //= geometry[OUT, axis]
        tap //= geometry[KERNEL, axis]
        start += position * step
        step *= geometry[SIZE, axis]
    return start


@njit(cache=True, nogil=True)
def _inside(tap: int, geometry: Array) -> tuple[int, int, int]:
    """Along the last axis: the input position of output 0, and the range of outputs that see no padding."""
    last = geometry.shape[1] - 1
    size, out, stride = geometry[SIZE, last], geometry[OUT, last], geometry[STRIDE, last]
    first = (tap % geometry[KERNEL, last]) * geometry[DILATION, last] - geometry[PAD, last]
    begin = min(out, max(0, (stride - 1 - first) // stride))
    return first, begin, max(begin, min(out, (size - first + stride - 1) // stride))


@njit(cache=True, nogil=True)
def im2col(x: Array, x0: int, channels: int, row_begin: int, row_end: int, geometry: Array, col: Array) -> None:
    """Copy the patches of the output rows ``row_begin`` to ``row_end`` to ``col``; padding is 0."""
    plane, taps, last = _product(geometry[SIZE]), _product(geometry[KERNEL]), geometry.shape[1] - 1
    width, stride = geometry[OUT, last], geometry[STRIDE, last]
    target = 0
    for q in range(channels * taps):
        tap = q % taps
        first, begin, end = _inside(tap, geometry)
        for row in range(row_begin, row_end):
            start = _input_row(row, tap // geometry[KERNEL, last], geometry)
            lo, hi = (begin, end) if start >= 0 else (width, width)
            source = x0 + (q // taps) * plane + start + first
            for i in range(lo):
                col[target + i] = 0
            if stride == 1:  # a loop of its own is a vector copy
                for i in range(lo, hi):
                    col[target + i] = x[source + i]
            else:
                for i in range(lo, hi):
                    col[target + i] = x[source + i * stride]
            for i in range(hi, width):
                col[target + i] = 0
            target += width


@njit(cache=True, nogil=True)
def col2im(col: Array, x: Array, x0: int, channels: int, row_begin: int, row_end: int, geometry: Array) -> None:
    """The transpose of ``im2col``: add every element of ``col`` to the input element that it is a copy of."""
    plane, taps, last = _product(geometry[SIZE]), _product(geometry[KERNEL]), geometry.shape[1] - 1
    width, stride = geometry[OUT, last], geometry[STRIDE, last]
    source = 0
    for q in range(channels * taps):
        tap = q % taps
        first, begin, end = _inside(tap, geometry)
        for row in range(row_begin, row_end):
            start = _input_row(row, tap // geometry[KERNEL, last], geometry)
            if start >= 0:
                target = x0 + (q // taps) * plane + start + first
                for i in range(begin, end):
                    x[target + i * stride] += col[source + i]
            source += width


@njit(cache=True, nogil=True)
def forward(begin: int, end: int, x: Array, w: Array, y: Array, col: Array, channels: int, outputs: int, group: int,
            block: int, geometry: Array) -> None:
    """Convolve; the outer loop counts blocks of ``block`` output rows, one image's after the other's."""
    rows, pixels, line = _product(geometry[OUT, :-1]), _product(geometry[OUT]), geometry[OUT, -1]
    depth, part, blocks = channels // group * _product(geometry[KERNEL]), outputs // group, (rows + block - 1) // block
    for i in range(begin, end):
        n, first = i // blocks, (i % blocks) * block
        last = min(rows, first + block)
        width = (last - first) * line
        im2col(x, n * channels * _product(geometry[SIZE]), channels, first, last, geometry, col)
        for g in range(group):
            gemm(0, width, w, g * part * depth, depth, 1, col, g * depth * width, width,
                 y, (n * outputs + g * part) * pixels + first * line, pixels, part, depth, False)


@njit(cache=True, nogil=True)
def backward_data(begin: int, end: int, dy: Array, w: Array, dx: Array, col: Array, channels: int, outputs: int,
                  group: int, block: int, geometry: Array) -> None:
    """The gradient of the input; the outer loop counts images, as patches of neighbouring blocks overlap."""
    rows, pixels, line = _product(geometry[OUT, :-1]), _product(geometry[OUT]), geometry[OUT, -1]
    depth, part = channels // group * _product(geometry[KERNEL]), outputs // group
    volume = channels * _product(geometry[SIZE])
    for n in range(begin, end):
        for i in range(n * volume, (n + 1) * volume):
            dx[i] = 0
        for first in range(0, rows, block):
            last = min(rows, first + block)
            width = (last - first) * line
            for g in range(group):
                gemm(0, width, w, g * part * depth, 1, depth,
                     dy, (n * outputs + g * part) * pixels + first * line, pixels,
                     col, g * depth * width, width, depth, part, False)
            col2im(col, dx, n * volume, channels, first, last, geometry)


@njit(cache=True, nogil=True)
def backward_weight(begin: int, end: int, x: Array, dy: Array, dw: Array, col: Array, channels: int, outputs: int,
                    group: int, block: int, geometry: Array) -> None:
    """Add the gradient of the weights to ``dw``; the outer loop counts blocks as ``forward`` does."""
    rows, pixels, line = _product(geometry[OUT, :-1]), _product(geometry[OUT]), geometry[OUT, -1]
    depth, part, blocks = channels // group * _product(geometry[KERNEL]), outputs // group, (rows + block - 1) // block
    for i in range(begin, end):
        n, first = i // blocks, (i % blocks) * block
        last = min(rows, first + block)
        width = (last - first) * line
        im2col(x, n * channels * _product(geometry[SIZE]), channels, first, last, geometry, col)
        for g in range(group):
            gemm_dot(0, depth, dy, (n * outputs + g * part) * pixels + first * line, pixels,
                     col, g * depth * width, width, dw, g * part * depth, depth, part, width, True)
