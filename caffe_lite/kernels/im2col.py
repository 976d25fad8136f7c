"""Convolution in any number of dimensions, as Caffe does it: patches to columns, then a matrix product.

Column ``p`` of the patch matrix (``channels * prod(kernel)`` rows) is what the kernel sees at output position
``p``. The matrix is made a few rows of outputs at a time, so that it stays in the cache. ``geometry`` is an integer
array with a column for each spatial axis, two at least, and the rows SIZE (of the input), OUT, KERNEL, PAD, STRIDE,
DILATION.
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
def _outer_start(slab: int, tap: int, geometry: Array) -> int:
    """Where in an input plane the slab (its last two axes) begins that output slab ``slab`` sees through kernel
    element ``tap``, both counted without the last two axes; -1 when it lies in the padding."""
    last = geometry.shape[1] - 1
    start, step = 0, geometry[SIZE, last] * geometry[SIZE, last - 1]
    for axis in range(last - 2, -1, -1):
        position = (slab % geometry[OUT, axis]) * geometry[STRIDE, axis] - geometry[PAD, axis]
        position += (tap % geometry[KERNEL, axis]) * geometry[DILATION, axis]
        if position < 0 or position >= geometry[SIZE, axis]:
            return -1
        slab //= geometry[OUT, axis]
        tap //= geometry[KERNEL, axis]
        start += position * step
        step *= geometry[SIZE, axis]
    return start


@njit(cache=True, nogil=True)
def _inside(first: int, axis: int, geometry: Array) -> tuple[int, int]:
    """The range of outputs along an axis that see no padding, where output 0 sees input ``first``."""
    size, out, stride = geometry[SIZE, axis], geometry[OUT, axis], geometry[STRIDE, axis]
    begin = min(out, max(0, (stride - 1 - first) // stride))
    return begin, max(begin, min(out, (size - first + stride - 1) // stride))


@njit(cache=True, nogil=True)
def _patches(x: Array, x0: int, channels: int, row_begin: int, row_end: int, geometry: Array, col: Array,
             back: bool) -> None:
    """``im2col``, or with ``back`` its transpose."""
    plane, taps, w = _product(geometry[SIZE]), _product(geometry[KERNEL]), geometry.shape[1] - 1
    h = w - 1
    kernel_h, kernel_w, out_h, out_w = geometry[KERNEL, h], geometry[KERNEL, w], geometry[OUT, h], geometry[OUT, w]
    step_h, step_w = geometry[STRIDE, h] * geometry[SIZE, w], geometry[STRIDE, w]
    at = 0
    for q in range(channels * taps):
        tap_w, tap_h, tap = q % kernel_w, q // kernel_w % kernel_h, q % taps // (kernel_w * kernel_h)
        first_w = tap_w * geometry[DILATION, w] - geometry[PAD, w]
        first_h = tap_h * geometry[DILATION, h] - geometry[PAD, h]
        left, right = _inside(first_w, w, geometry)
        top, bottom = _inside(first_h, h, geometry)
        row = row_begin
        while row < row_end:
            slab, i = row // out_h, row % out_h
            start = _outer_start(slab, tap, geometry)
            base = x0 + q // taps * plane + start + first_h * geometry[SIZE, w] + first_w
            stop = min(out_h, i + row_end - row)
            row += stop - i
            for r in range(i, stop):
                there = start >= 0 and top <= r < bottom
                begin, end = (left, right) if there else (out_w, out_w)
                place = base + r * step_h
                if back:
                    for j in range(begin, end):
                        x[place + j * step_w] += col[at + j]
                else:
                    for j in range(begin):
                        col[at + j] = 0
                    if step_w == 1:  # a loop of its own is a vector copy
                        for j in range(begin, end):
                            col[at + j] = x[place + j]
                    else:
                        for j in range(begin, end):
                            col[at + j] = x[place + j * step_w]
                    for j in range(end, out_w):
                        col[at + j] = 0
                at += out_w


@njit(cache=True, nogil=True)
def im2col(x: Array, x0: int, channels: int, row_begin: int, row_end: int, geometry: Array, col: Array) -> None:
    """Copy the patches of the output rows ``row_begin`` to ``row_end`` to ``col``; padding is 0."""
    _patches(x, x0, channels, row_begin, row_end, geometry, col, False)


@njit(cache=True, nogil=True)
def col2im(col: Array, x: Array, x0: int, channels: int, row_begin: int, row_end: int, geometry: Array) -> None:
    """The transpose of ``im2col``: add every element of ``col`` to the input element that it is a copy of."""
    _patches(x, x0, channels, row_begin, row_end, geometry, col, True)


@njit(cache=True, nogil=True)
def im2col_images(begin: int, end: int, x: Array, channels: int, geometry: Array, y: Array) -> None:
    """``im2col`` of whole images; ``y`` is ``(images, channels * prod(kernel), prod(out))``."""
    rows, volume = _product(geometry[OUT, :-1]), channels * _product(geometry[SIZE])
    for n in range(begin, end):
        im2col(x, n * volume, channels, 0, rows, geometry, y[n].reshape(-1))


@njit(cache=True, nogil=True)
def col2im_images(begin: int, end: int, dy: Array, channels: int, geometry: Array, dx: Array) -> None:
    """The gradient of ``im2col_images``."""
    rows, volume = _product(geometry[OUT, :-1]), channels * _product(geometry[SIZE])
    for n in range(begin, end):
        dx[n * volume:(n + 1) * volume] = 0
        col2im(dy[n].reshape(-1), dx, n * volume, channels, 0, rows, geometry)


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
