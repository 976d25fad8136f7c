"""Losses. Every forward kernel leaves the loss of each sample, not yet divided, in ``loss``: the sum over a batch is
then one of short sums, which rounds less than one long chain. The outer loops count samples.

Arrays are ``(samples, values)`` or ``(samples, classes, inner)``; labels are ``(samples,)`` or ``(samples, inner)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from caffe_lite.kernels.activations import sigmoid

Array = Any


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes: faster, and rounds less than one long chain
def euclidean_forward(begin: int, end: int, a: Array, b: Array, diff: Array, loss: Array) -> None:
    """``loss = Σ (a - b)²``, and ``diff = a - b``."""
    for n in range(begin, end):
        total = a.dtype.type(0)
        for i in range(a.shape[1]):
            diff[n, i] = a[n, i] - b[n, i]
            total += diff[n, i] * diff[n, i]
        loss[n] = total


@njit(cache=True, nogil=True)
def euclidean_backward(begin: int, end: int, diff: Array, factor: float, dx: Array) -> None:
    """``dx = factor diff``"""
    for n in range(begin, end):
        for i in range(diff.shape[1]):
            dx[n, i] = factor * diff[n, i]


@njit(cache=True, nogil=True)
def _margin(x: Array, n: int, i: int, label: int) -> Any:
    one, zero = x.dtype.type(1), x.dtype.type(0)
    return max(zero, one - x[n, i] if i == label else one + x[n, i])


@njit(cache=True, nogil=True)
def hinge_forward(begin: int, end: int, x: Array, label: Array, squared: bool, loss: Array) -> None:
    """``loss = Σ m``, or ``Σ m²``, with ``m = max(0, 1 - x)`` of the label and ``max(0, 1 + x)`` of all others."""
    for n in range(begin, end):
        total = x.dtype.type(0)
        for i in range(x.shape[1]):
            m = _margin(x, n, i, int(label[n]))
            total += m * m if squared else m
        loss[n] = total


@njit(cache=True, nogil=True)
def hinge_backward(begin: int, end: int, x: Array, label: Array, squared: bool, factor: float, dx: Array) -> None:
    """The gradient of ``factor Σ m``, or ``factor Σ m²``."""
    zero, two = x.dtype.type(0), x.dtype.type(2)
    for n in range(begin, end):
        for i in range(x.shape[1]):
            m = _margin(x, n, i, int(label[n]))
            slope = two * m * factor if squared else factor if m > 0 else zero
            dx[n, i] = -slope if i == int(label[n]) else slope


@njit(cache=True, nogil=True)
def multinomial_forward(begin: int, end: int, prob: Array, label: Array, least: float, loss: Array) -> None:
    """``loss = -log max(prob[label], least)``"""
    for n in range(begin, end):
        loss[n] = -np.log(max(prob[n, int(label[n])], least))


@njit(cache=True, nogil=True, error_model="numpy")
def multinomial_backward(begin: int, end: int, prob: Array, label: Array, least: float, factor: float,
                         dx: Array) -> None:
    """``dx[label] = -factor / max(prob[label], least)``, all others 0."""
    for n in range(begin, end):
        for i in range(prob.shape[1]):
            dx[n, i] = 0
        i = int(label[n])
        dx[n, i] = -factor / max(prob[n, i], least)


@njit(cache=True, nogil=True)
def infogain_forward(begin: int, end: int, prob: Array, label: Array, gain: Array, ignore: int, least: float,
                     loss: Array, counted: Array) -> None:
    """``loss = -Σ_k Σ_c gain[label, c] log max(prob[c], least)`` over those k whose label is not ``ignore``;
    ``counted`` is their number."""
    for n in range(begin, end):
        total, count = prob.dtype.type(0), 0
        for k in range(prob.shape[2]):
            value = int(label[n, k])
            if value == ignore:
                continue
            count += 1
            for c in range(prob.shape[1]):
                total -= gain[value, c] * np.log(max(prob[n, c, k], least))
        loss[n], counted[n] = total, count


@njit(cache=True, nogil=True)
def infogain_backward(begin: int, end: int, prob: Array, label: Array, gain: Array, gain_sums: Array, ignore: int,
                      factor: float, dx: Array) -> None:
    """``dx = factor (prob gain_sums[label] - gain[label])``, 0 where the label is ``ignore``; the gradient of the
    scores whose softmax is ``prob``."""
    for n in range(begin, end):
        for c in range(prob.shape[1]):
            for k in range(prob.shape[2]):
                value = int(label[n, k])
                if value == ignore:
                    dx[n, c, k] = 0
                else:
                    dx[n, c, k] = factor * (prob[n, c, k] * gain_sums[value] - gain[value, c])


@njit(cache=True, nogil=True)
def sigmoid_cross_entropy_forward(begin: int, end: int, x: Array, target: Array, ignore: int, loss: Array,
                                  counted: Array) -> None:
    """``loss = -Σ t log p + (1 - t) log(1 - p)`` with ``p = 1 / (1 + exp(-x))``, in a form that never overflows, over
    the targets that do not round towards zero to ``ignore``; ``counted`` is their number."""
    one, zero = x.dtype.type(1), x.dtype.type(0)
    for n in range(begin, end):
        total, count = zero, 0
        for i in range(x.shape[1]):
            if int(target[n, i]) == ignore:
                continue
            count += 1
            v = x[n, i]
            total -= v * (target[n, i] - (one if v >= 0 else zero)) - np.log1p(np.exp(-abs(v)))
        loss[n], counted[n] = total, count


@njit(cache=True, nogil=True)
def sigmoid_cross_entropy_backward(begin: int, end: int, x: Array, target: Array, ignore: int, factor: float,
                                   dx: Array) -> None:
    """``dx = factor (p - t)``, 0 where the target is ``ignore``."""
    for n in range(begin, end):
        for i in range(x.shape[1]):
            if int(target[n, i]) == ignore:
                dx[n, i] = 0
            else:
                dx[n, i] = factor * (x.dtype.type(sigmoid(np.float64(x[n, i]))) - target[n, i])
