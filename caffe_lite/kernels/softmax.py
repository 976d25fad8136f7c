"""Softmax and the loss on it. Arrays are ``(outer, channels, inner)``, labels ``(outer, inner)``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def softmax_forward(begin: int, end: int, x: Array, y: Array) -> None:
    """``y = exp(x - max_c x) / Σ_c exp(x - max_c x)``"""
    for n in range(begin, end):
        for k in range(x.shape[2]):
            most = x[n, 0, k]
            for c in range(1, x.shape[1]):
                most = max(most, x[n, c, k])
            total = x.dtype.type(0)
            for c in range(x.shape[1]):
                e = np.exp(x[n, c, k] - most)
                y[n, c, k] = e
                total += e
            for c in range(x.shape[1]):
                y[n, c, k] /= total


@njit(cache=True, nogil=True)
def softmax_backward(begin: int, end: int, y: Array, dy: Array, dx: Array) -> None:
    """``dx = (dy - Σ_c dy y) y``"""
    for n in range(begin, end):
        for k in range(y.shape[2]):
            dot = y.dtype.type(0)
            for c in range(y.shape[1]):
                dot += dy[n, c, k] * y[n, c, k]
            for c in range(y.shape[1]):
                dx[n, c, k] = (dy[n, c, k] - dot) * y[n, c, k]


@njit(cache=True, nogil=True)
def first_bad_label(label: Array, channels: int, ignore: int) -> int:
    """The flat index of the first label outside 0 to ``channels - 1`` that is not ignored, or -1."""
    flat = label.ravel()
    for i in range(flat.size):
        value = int(flat[i])
        if value != ignore and not 0 <= value < channels:
            return i
    return -1


@njit(cache=True, nogil=True)
def softmax_loss_forward(prob: Array, label: Array, ignore: int, smallest: float) -> Any:
    """``(-Σ log max(prob[label], smallest), labels counted)``, without the labels equal to ``ignore``."""
    loss = prob.dtype.type(0)
    count = 0
    for n in range(prob.shape[0]):
        for k in range(prob.shape[2]):
            value = int(label[n, k])
            if value == ignore:
                continue
            loss -= np.log(max(prob[n, value, k], smallest))
            count += 1
    return loss, count


@njit(cache=True, nogil=True)
def softmax_loss_backward(begin: int, end: int, prob: Array, label: Array, ignore: int, factor: float,
                          dx: Array) -> None:
    """``dx = factor (prob - [c = label])``, and 0 where the label is ``ignore``."""
    for n in range(begin, end):
        for c in range(prob.shape[1]):
            for k in range(prob.shape[2]):
                value = int(label[n, k])
                if value == ignore:
                    dx[n, c, k] = 0
                elif value == c:
                    dx[n, c, k] = (prob[n, c, k] - prob.dtype.type(1)) * factor
                else:
                    dx[n, c, k] = prob[n, c, k] * factor
