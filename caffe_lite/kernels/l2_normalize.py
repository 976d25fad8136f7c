"""L2 normalization. Arrays are ``(n, channels, inner)``; the outer loops count n.

Norms are ``(n,)`` across the plane or ``(n, inner)`` within each place; scales one for all channels or one for each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes: faster, and round less than one long chain
def across_norms(begin: int, end: int, x: Array, eps: float, norm: Array) -> None:
    """``norm[n] = sqrt(Σ_c Σ_i x² + eps)``"""
    for n in range(begin, end):
        total = x.dtype.type(0)
        for c in range(x.shape[1]):
            part = x.dtype.type(0)
            for i in range(x.shape[2]):
                part += x[n, c, i] * x[n, c, i]
            total += part
        norm[n, :] = np.sqrt(total + eps)


@njit(cache=True, nogil=True)
def within_norms(begin: int, end: int, x: Array, eps: float, norm: Array) -> None:
    """``norm[n, i] = sqrt(Σ_c x² + eps)``"""
    for n in range(begin, end):
        norm[n, :] = eps
        for c in range(x.shape[1]):
            for i in range(x.shape[2]):
                norm[n, i] += x[n, c, i] * x[n, c, i]
        for i in range(x.shape[2]):
            norm[n, i] = np.sqrt(norm[n, i])


@njit(cache=True, nogil=True, error_model="numpy")
def divide_by_norms(begin: int, end: int, x: Array, norm: Array, scale: Array, y: Array) -> None:
    """``y = scale x / norm``; ``y`` may be ``x``."""
    for n in range(begin, end):
        for c in range(x.shape[1]):
            s = scale[c % len(scale)]
            for i in range(x.shape[2]):
                y[n, c, i] = x[n, c, i] / norm[n, i] * s


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # as above
def across_dots(begin: int, end: int, x: Array, dy: Array, dot: Array) -> None:
    """``dot[n] = Σ_c Σ_i x dy``"""
    for n in range(begin, end):
        total = x.dtype.type(0)
        for c in range(x.shape[1]):
            part = x.dtype.type(0)
            for i in range(x.shape[2]):
                part += x[n, c, i] * dy[n, c, i]
            total += part
        dot[n, :] = total


@njit(cache=True, nogil=True)
def within_dots(begin: int, end: int, x: Array, dy: Array, dot: Array) -> None:
    """``dot[n, i] = Σ_c x dy``"""
    for n in range(begin, end):
        dot[n, :] = 0
        for c in range(x.shape[1]):
            for i in range(x.shape[2]):
                dot[n, i] += x[n, c, i] * dy[n, c, i]


@njit(cache=True, nogil=True, error_model="numpy")
def normalize_back(begin: int, end: int, x: Array, norm: Array, dot: Array, scale: Array, dy: Array, dx: Array) -> None:
    """``dx = scale (dy - x dot / norm²) / norm``; ``dx`` may be ``dy``."""
    for n in range(begin, end):
        for c in range(x.shape[1]):
            s = scale[c % len(scale)]
            for i in range(x.shape[2]):
                r = norm[n, i]
                dx[n, c, i] = (dy[n, c, i] - x[n, c, i] * (dot[n, i] / r / r)) / r * s


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})  # as above
def scale_gradient_of_norm(begin: int, end: int, x: Array, norm: Array, dy: Array, dscale: Array) -> None:
    """``dscale[c] = Σ_n Σ_i dy x / norm``; the outer loop counts channels."""
    for c in range(begin, end):
        total = x.dtype.type(0)
        for n in range(x.shape[0]):
            part = x.dtype.type(0)
            for i in range(x.shape[2]):
                part += dy[n, c, i] * x[n, c, i] / norm[n, i]
            total += part
        dscale[c] = total
