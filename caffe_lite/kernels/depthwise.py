"""Convolution of each channel with one filter of its own. Flat arrays.

A plane of the bottom is cut into phases: with a stride of 2, its even and its odd columns, and so with rows. In them
each tap of a filter sees neighbours, and where the output is laid in lines as long as theirs, tap t of its element k
sees element ``starts[t] + k``. So each tap is one long loop; what this makes up at a line's end is left out again.

``sizes`` are height and width of the bottom, rows and columns of the top, and the length of a line; ``steps`` stride,
padding, and rows of a phase. ``phases`` and ``lines`` are room for a cut plane and for an output plane. Slices whose
own indices count from 0 become vector code.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def depthwise_forward(begin: int, end: int, x: Array, w: Array, bias: Array, starts: Array, sizes: Any, steps: Any,
                      phases: Array, lines: Array, y: Array) -> None:
    """``y[n, c, p] = bias[c] + Σ_t w[c, t] x[n, c, p * stride - pad + t * dilation]``; the outer loop counts planes."""
    rows, columns, line = sizes[2:]
    taps = len(starts)
    for plane in range(begin, end):
        c = plane % len(bias)
        _cut(x, plane, sizes, steps, phases)
        lines[:] = bias[c]
        for t in range(0, taps - taps % 3, 3):
            a, b, d = w[c * taps + t], w[c * taps + t + 1], w[c * taps + t + 2]
            _add_three(phases[starts[t] :], a, phases[starts[t + 1] :], b, phases[starts[t + 2] :], d, lines)
        for t in range(taps - taps % 3, taps):
            _add(phases[starts[t] :], w[c * taps + t], lines)
        for h in range(rows):
            start = (plane * rows + h) * columns
            y[start : start + columns] = lines[h * line : h * line + columns]


@njit(cache=True, nogil=True)
def depthwise_backward_data(begin: int, end: int, dy: Array, w: Array, channels: int, starts: Array, sizes: Any,
                            steps: Any, phases: Array, lines: Array, dx: Array) -> None:
    """``dx[n, c, p * stride - pad + t * dilation] = Σ w[c, t] dy[n, c, p]``; the outer loop counts planes."""
    taps = len(starts)
    for plane in range(begin, end):
        _lay(dy, plane, sizes, lines)
        phases[:] = 0
        for t in range(taps):
            _add(lines, w[plane % channels * taps + t], phases[starts[t] : starts[t] + len(lines)])
        _join(phases, plane, sizes, steps, dx)


@njit(cache=True, nogil=True)
def depthwise_backward_weight(begin: int, end: int, x: Array, dy: Array, num: int, channels: int, starts: Array,
                              sizes: Any, steps: Any, phases: Array, lines: Array, dw: Array) -> None:
    """``dw[c, t] += Σ_n Σ_p dy[n, c, p] x[n, c, p * stride - pad + t * dilation]``; the outer loop counts channels."""
    taps = len(starts)
    for c in range(begin, end):
        for n in range(num):
            _cut(x, n * channels + c, sizes, steps, phases)
            _lay(dy, n * channels + c, sizes, lines)
            for t in range(taps):
                dw[c * taps + t] += _dot(phases[starts[t] :], lines)


@njit(cache=True, nogil=True)
def _cut(x: Array, plane: int, sizes: Any, steps: Any, phases: Array) -> None:
    height, width, _, _, line = sizes
    stride_h, stride_w, pad_h, pad_w, rows = steps
    phases[:] = 0
    for h in range(min(height, rows * stride_h - pad_h)):
        row, start = h + pad_h, (plane * height + h) * width
        for phase in range(stride_w):
            first = (phase - pad_w) % stride_w
            target = ((row % stride_h * stride_w + phase) * rows + row // stride_h) * line + (first + pad_w) // stride_w
            count = max(0, min((width - first + stride_w - 1) // stride_w, line - (first + pad_w) // stride_w))
            if stride_w == 1:
                phases[target : target + count] = x[start + first : start + first + count]
            else:
                for k in range(count):
                    phases[target + k] = x[start + first + k * stride_w]


@njit(cache=True, nogil=True)
def _join(phases: Array, plane: int, sizes: Any, steps: Any, x: Array) -> None:
    """The inverse of ``_cut``; what no filter saw is 0."""
    height, width, _, _, line = sizes
    stride_h, stride_w, pad_h, pad_w, rows = steps
    x[plane * height * width : (plane + 1) * height * width] = 0
    for h in range(min(height, rows * stride_h - pad_h)):
        row, start = h + pad_h, (plane * height + h) * width
        for phase in range(stride_w):
            first = (phase - pad_w) % stride_w
            source = ((row % stride_h * stride_w + phase) * rows + row // stride_h) * line + (first + pad_w) // stride_w
            for k in range(min((width - first + stride_w - 1) // stride_w, line - (first + pad_w) // stride_w)):
                x[start + first + k * stride_w] = phases[source + k]


@njit(cache=True, nogil=True)
def _lay(dy: Array, plane: int, sizes: Any, lines: Array) -> None:
    """An output plane in long lines, 0 at their ends."""
    rows, columns, line = sizes[2:]
    lines[:] = 0
    for h in range(rows):
        start = (plane * rows + h) * columns
        lines[h * line : h * line + columns] = dy[start : start + columns]


@njit(cache=True, nogil=True)
def _add(source: Array, factor: float, target: Array) -> None:
    for k in range(len(target)):
        target[k] += factor * source[k]


@njit(cache=True, nogil=True)
def _add_three(first: Array, a: float, second: Array, b: float, third: Array, c: float, target: Array) -> None:
    for k in range(len(target)):
        target[k] += a * first[k] + b * second[k] + c * third[k]


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes: faster, and round less than one long chain
def _dot(source: Array, lines: Array) -> Any:
    total = lines.dtype.type(0)
    for k in range(len(lines)):
        total += lines[k] * source[k]
    return total
