"""Factors, offsets and slopes, one for each row of ``(n, channels, inner)`` values.

A function of rows takes arrays ``(n channels, inner)``, a gradient takes ``(n, channels, inner)`` and its outer loop
counts channels.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from caffe_lite.kernels.arrays import copy
from caffe_lite.kernels.groups import channels_at_once

Array = Any


@njit(cache=True, nogil=True)
def add_to_rows(begin: int, end: int, x: Array, bias: Array, y: Array) -> None:
    """``y[n, c, i] = x[n, c, i] + bias[c]``; ``y`` may be ``x``."""
    c = begin % len(bias)
    for row in range(begin, end):
        b = bias[c]
        if y is x:  # the same in one array: LLVM makes vectors of it
            for i in range(y.shape[1]):
                y[row, i] += b
        else:
            for i in range(y.shape[1]):
                y[row, i] = x[row, i] + b
        c = c + 1 if c + 1 < len(bias) else 0


@njit(cache=True, nogil=True)
def scale_rows(begin: int, end: int, x: Array, scale: Array, bias: Array, kept: Array, y: Array) -> None:
    """``y[n, c, i] = x[n, c, i] scale[c] + bias[c]``, or without the last where ``bias`` is empty; and ``kept = x``.

    ``y`` may be ``x``, for which ``kept`` is there; else ``kept`` may be.
    """
    c, inner = begin % len(scale), x.shape[1]
    for row in range(begin, end):
        if kept is not x:
            copy(x, row * inner, kept, row * inner, inner)
        s = scale[c]
        if len(bias):
            b = bias[c]
            for i in range(inner):
                y[row, i] = kept[row, i] * s + b
        else:
            for i in range(inner):
                y[row, i] = kept[row, i] * s
        c = c + 1 if c + 1 < len(scale) else 0


# The sums below are in vector lanes (reassoc), then over rows in float64: fast, and closer than one long float32 chain.


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def scale_backward(begin: int, end: int, x: Array, dy: Array, scale: Array, dscale: Array, dbias: Array, dx: Array,
                   sums: Array) -> None:
    """The gradients of ``y[n, c, i] = x[n, c, i] scale[c] + bias[c]``, each where its array is not empty:

    ``dscale[c] += Σ_n Σ_i dy[n, c, i] x[n, c, i]``, ``dbias[c] += Σ_n Σ_i dy[n, c, i]`` and
    ``dx[n, c, i] = dy[n, c, i] scale[c]``; ``dx`` may be ``dy``. ``sums`` is room for ``(2, channels)`` float64.
    """
    zero, step = dy.dtype.type(0), channels_at_once(dy.shape[0], dy.shape[2])
    for first in range(begin, end, step):
        last = min(end, first + step)
        for c in range(first, last):
            sums[0, c] = sums[1, c] = 0
        for n in range(dy.shape[0]):
            for c in range(first, last):
                s, part_scale, part_bias = scale[c], zero, zero
                if len(dscale):
                    for i in range(dy.shape[2]):
                        part_scale += dy[n, c, i] * x[n, c, i]
                if len(dbias):
                    for i in range(dy.shape[2]):
                        part_bias += dy[n, c, i]
                sums[0, c] += part_scale
                sums[1, c] += part_bias
                if dx is dy:
                    for i in range(dy.shape[2]):
                        dx[n, c, i] *= s
                elif len(dx):
                    for i in range(dy.shape[2]):
                        dx[n, c, i] = dy[n, c, i] * s
        for c in range(first, last if len(dscale) else first):
            dscale[c] += sums[0, c]
        for c in range(first, last if len(dbias) else first):
            dbias[c] += sums[1, c]


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def offset_gradient(begin: int, end: int, dy: Array, dbias: Array) -> None:
    """``dbias[c] += Σ_n Σ_i dy[n, c, i]``"""
    for c in range(begin, end):
        total = 0.0
        for n in range(dy.shape[0]):
            part = dy.dtype.type(0)
            for i in range(dy.shape[2]):
                part += dy[n, c, i]
            total += part
        dbias[c] += total


@njit(cache=True, nogil=True)
def prelu_forward(begin: int, end: int, x: Array, slope: Array, y: Array) -> None:
    """``y[n, c, i] = x`` where positive, else ``slope[c] x``."""
    c = begin % len(slope)
    for row in range(begin, end):
        s = slope[c]
        for i in range(y.shape[1]):
            y[row, i] = x[row, i] if x[row, i] > 0 else s * x[row, i]
        c = c + 1 if c + 1 < len(slope) else 0


@njit(cache=True, nogil=True)
def prelu_backward(begin: int, end: int, x: Array, slope: Array, dy: Array, dx: Array) -> None:
    """``dx[n, c, i] = dy`` where x is positive, else ``slope[c] dy``; ``dx`` may be ``dy``."""
    c = begin % len(slope)
    for row in range(begin, end):
        s = slope[c]
        if dx is dy:
            for i in range(dx.shape[1]):
                dx[row, i] = dx[row, i] if x[row, i] > 0 else s * dx[row, i]
        else:
            for i in range(dx.shape[1]):
                dx[row, i] = dy[row, i] if x[row, i] > 0 else s * dy[row, i]
        c = c + 1 if c + 1 < len(slope) else 0


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def prelu_gradient(begin: int, end: int, x: Array, dy: Array, dslope: Array) -> None:
    """``dslope[c] += Σ_n Σ_i dy x [x <= 0]``"""
    zero = x.dtype.type(0)
    for c in range(begin, end):
        total = 0.0
        for n in range(dy.shape[0]):
            part = zero
            for i in range(dy.shape[2]):
                part += zero if x[n, c, i] > 0 else dy[n, c, i] * x[n, c, i]
            total += part
        dslope[c] += total
