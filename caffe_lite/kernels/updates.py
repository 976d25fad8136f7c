"""The update rules, each one pass over flat arrays.

Every kernel turns the gradient in ``diff`` into the update and takes it from ``data``, as Caffe's solvers and
``Net::Update`` do together. Its ``numbers`` are first the factor and the decay: of the gradient it takes the
``factor``, and adds ``decay * data`` (L2) or ``decay * sign(data)`` (``l1``); then those that the formula names, in
the order it gives. They change from iteration to iteration, and are an array so that the calls are the same ones.

A kernel first cuts its part out of the arrays: where an index may be negative, and so count from the end, there is no
vector code, and it takes three times as long; nor is there where a division may raise an exception.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True, inline="always")
def regularized(gradient: float, value: float, decay: float, l1: bool) -> float:
    """The gradient with the derivative of the weight's penalty added."""
    if l1:
        if value > 0:
            return gradient + decay
        return gradient - decay if value < 0 else gradient
    return gradient + decay * value


@njit(cache=True, nogil=True)
def sgd(begin: int, end: int, data: Array, diff: Array, history: Array, l1: bool, numbers: Array) -> None:
    """``h = momentum h + rate (factor g + decay)``; ``data -= h``. The rate is inside the history."""
    factor, decay, rate, momentum = numbers[0], numbers[1], numbers[2], numbers[3]
    data, diff, history = data[begin:end], diff[begin:end], history[begin:end]
    for i in range(len(data)):
        gradient = regularized(diff[i] * factor, data[i], decay, l1)
        update = momentum * history[i] + rate * gradient
        history[i] = update
        diff[i] = update
        data[i] -= update


@njit(cache=True, nogil=True)
def nesterov(begin: int, end: int, data: Array, diff: Array, history: Array, l1: bool, numbers: Array) -> None:
    """``h' = momentum h + rate g``; ``data -= (1 + momentum) h' - momentum h``"""
    factor, decay, rate, momentum = numbers[0], numbers[1], numbers[2], numbers[3]
    data, diff, history = data[begin:end], diff[begin:end], history[begin:end]
    for i in range(len(data)):
        gradient = regularized(diff[i] * factor, data[i], decay, l1)
        before = history[i]
        history[i] = momentum * before + rate * gradient
        update = history[i] + momentum * (history[i] - before)
        diff[i] = update
        data[i] -= update


@njit(cache=True, nogil=True, error_model="numpy")
def adagrad(begin: int, end: int, data: Array, diff: Array, history: Array, l1: bool, numbers: Array) -> None:
    """``h = keep h + take g²``; ``data -= rate g / (√h + delta)``. AdaGrad keeps and takes all; RMSProp a mean."""
    factor, decay, rate, keep, take, delta = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
    data, diff, history = data[begin:end], diff[begin:end], history[begin:end]
    for i in range(len(data)):
        gradient = regularized(diff[i] * factor, data[i], decay, l1)
        history[i] = keep * history[i] + take * (gradient * gradient)
        update = rate * (gradient / (np.sqrt(history[i]) + delta))
        diff[i] = update
        data[i] -= update


@njit(cache=True, nogil=True, error_model="numpy")
def adadelta(begin: int, end: int, data: Array, diff: Array, gradients: Array, updates: Array, l1: bool,
             numbers: Array) -> None:
    """``G = keep G + take g²``; ``u = g √((U + delta) / (G + delta))``; ``U = keep U + take u²``; ``data -= rate u``"""
    factor, decay, rate, keep, take, delta = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
    data, diff, gradients, updates = data[begin:end], diff[begin:end], gradients[begin:end], updates[begin:end]
    for i in range(len(data)):
        gradient = regularized(diff[i] * factor, data[i], decay, l1)
        gradients[i] = keep * gradients[i] + take * (gradient * gradient)
        update = gradient * np.sqrt((delta + updates[i]) / (delta + gradients[i]))
        updates[i] = keep * updates[i] + take * (update * update)
        update *= rate
        diff[i] = update
        data[i] -= update


@njit(cache=True, nogil=True, error_model="numpy")
def adam(begin: int, end: int, data: Array, diff: Array, first: Array, second: Array, l1: bool,
         numbers: Array) -> None:
    """``m = beta1 m + rest1 g``; ``v = beta2 v + rest2 g²``; ``data -= rate m / (√v + delta)``"""
    factor, decay, rate, beta1, rest1, beta2, rest2, delta = (
        numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7])
    data, diff, first, second = data[begin:end], diff[begin:end], first[begin:end], second[begin:end]
    for i in range(len(data)):
        gradient = regularized(diff[i] * factor, data[i], decay, l1)
        first[i] = beta1 * first[i] + rest1 * gradient
        second[i] = beta2 * second[i] + rest2 * (gradient * gradient)
        update = rate * (first[i] / (np.sqrt(second[i]) + delta))
        diff[i] = update
        data[i] -= update


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # sums in vector lanes
def sums_of_squares(begin: int, end: int, a: Array, size: int, out: Array) -> None:
    """``out[j] = Σ a²`` over block j of ``size`` elements of a flat array, summed in float64."""
    for j in range(begin, end):
        total, block = 0.0, a[j * size:(j + 1) * size]
        for i in range(len(block)):
            value = np.float64(block[i])
            total += value * value
        out[j] = total
