"""Factors, offsets and slopes, one for each row of ``(n, channels, inner)`` values; flat arrays.

The outer loop of a function of rows counts n and channels together, that of a gradient counts channels.
"""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def add_to_rows(begin: int, end: int, x: Array, bias: Array, inner: int, y: Array) -> None:
    """``y[n, c, i] = x[n, c, i] + bias[c]``; ``y`` may be ``x``."""
    c = begin % len(bias)
    for row in range(begin, end):
        b = bias[c]
        for i in range(row * inner, (row + 1) * inner):
            y[i] = x[i] + b
        c = c + 1 if c + 1 < len(bias) else 0


@njit(cache=True, nogil=True)
def scale_rows(begin: int, end: int, x: Array, scale: Array, inner: int, y: Array) -> None:
    """``y[n, c, i] = x[n, c, i] scale[c]``; ``y`` may be ``x``."""
    c = begin % len(scale)
    for row in range(begin, end):
        s = scale[c]
        for i in range(row * inner, (row + 1) * inner):
            y[i] = x[i] * s
        c = c + 1 if c + 1 < len(scale) else 0


@njit(cache=True, nogil=True)
def scale_and_add_to_rows(begin: int, end: int, x: Array, scale: Array, bias: Array, inner: int, y: Array) -> None:
    """``y[n, c, i] = x[n, c, i] scale[c] + bias[c]``; ``y`` may be ``x``."""
    c = begin % len(scale)
    for row in range(begin, end):
        s, b = scale[c], bias[c]
        for i in range(row * inner, (row + 1) * inner):
            y[i] = x[i] * s + b
        c = c + 1 if c + 1 < len(scale) else 0


# The sums below are in vector lanes, then over rows in float64: fast, and closer than one long float32 chain.


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def scale_gradient(begin: int, end: int, dy: Array, x: Array, n: int, inner: int, dscale: Array) -> None:
    """``dscale[c] += Σ_n Σ_i dy[n, c, i] x[n, c, i]``"""
    for c in range(begin, end):
        total = 0.0
        for row in range(c, n * len(dscale), len(dscale)):
            part = dy.dtype.type(0)
            for i in range(row * inner, (row + 1) * inner):
                part += dy[i] * x[i]
            total += part
        dscale[c] += total


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def offset_gradient(begin: int, end: int, dy: Array, n: int, inner: int, dbias: Array) -> None:
    """``dbias[c] += Σ_n Σ_i dy[n, c, i]``"""
    for c in range(begin, end):
        total = 0.0
        for row in range(c, n * len(dbias), len(dbias)):
            part = dy.dtype.type(0)
            for i in range(row * inner, (row + 1) * inner):
                part += dy[i]
            total += part
        dbias[c] += total


@njit(cache=True, nogil=True)
def prelu_forward(begin: int, end: int, x: Array, slope: Array, inner: int, y: Array) -> None:
    """``y[n, c, i] = x`` where positive, else ``slope[c] x``; ``y`` may be ``x``."""
    c = begin % len(slope)
    for row in range(begin, end):
        s = slope[c]
        for i in range(row * inner, (row + 1) * inner):
            y[i] = x[i] if x[i] > 0 else s * x[i]
        c = c + 1 if c + 1 < len(slope) else 0


@njit(cache=True, nogil=True)
def prelu_backward(begin: int, end: int, x: Array, slope: Array, inner: int, dy: Array, dx: Array) -> None:
    """``dx[n, c, i] = dy`` where x is positive, else ``slope[c] dy``; ``dx`` may be ``dy``."""
    c = begin % len(slope)
    for row in range(begin, end):
        s = slope[c]
        for i in range(row * inner, (row + 1) * inner):
            dx[i] = dy[i] if x[i] > 0 else s * dy[i]
        c = c + 1 if c + 1 < len(slope) else 0


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def prelu_gradient(begin: int, end: int, dy: Array, x: Array, n: int, inner: int, dslope: Array) -> None:
    """``dslope[c] += Σ_n Σ_i dy x [x <= 0]``"""
    zero = x.dtype.type(0)
    for c in range(begin, end):
        total = 0.0
        for row in range(c, n * len(dslope), len(dslope)):
            part = zero
            for i in range(row * inner, (row + 1) * inner):
                part += zero if x[i] > 0 else dy[i] * x[i]
            total += part
        dslope[c] += total
