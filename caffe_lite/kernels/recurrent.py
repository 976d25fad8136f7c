"""Recurrent layers, step by step in time. Arrays are ``(steps, streams, units)``; ``cont``, ``(steps, streams)``, is 0
where a sequence begins and 1 where it goes on.

The outer loops count streams, which know nothing of each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from caffe_lite.kernels.activations import sigmoid, tanh
from caffe_lite.kernels.gemm import gemm, gemm_dot

Array = Any


@njit(cache=True, nogil=True)
def _continued(begin: int, end: int, h: Array, cont: Array, hidden: Array) -> None:
    for n in range(begin, end):
        for d in range(h.shape[1]):
            hidden[n, d] = cont[n] * h[n, d]


@njit(cache=True, nogil=True)
def _add_hidden(begin: int, end: int, t: int, hidden: Array, w: Array, gates: Array) -> None:
    """``gates[t] += hidden[t] wᵀ``"""
    units, outputs = w.shape[1], w.shape[0]
    first = t * hidden.shape[1] + begin
    gemm_dot(0, outputs, hidden.reshape(-1), first * units, units, w.reshape(-1), 0, units, gates.reshape(-1),
             first * outputs, outputs, end - begin, units, True)


@njit(cache=True, nogil=True)
def _hidden_gradient(begin: int, end: int, t: int, cont: Array, dgates: Array, w: Array, dh: Array) -> None:
    """``dh = cont[t] dgates[t] w``"""
    units, outputs = w.shape[1], w.shape[0]
    first = (t * dh.shape[0] + begin) * outputs
    gemm(0, units, dgates.reshape(-1), first, outputs, 1, w.reshape(-1), 0, units, dh.reshape(-1), begin * units, units,
         end - begin, outputs, False)
    for n in range(begin, end):
        for d in range(units):
            dh[n, d] *= cont[t, n]


@njit(cache=True, nogil=True)
def lstm_unit_forward(begin: int, end: int, c_prev: Array, x: Array, cont: Array, gates: Array, c: Array,
                      h: Array) -> None:
    """``c = cont f c_prev + i g`` and ``h = o tanh(c)`` with the gates ``i, f, o = sigmoid(x)``, ``g = tanh(x)``.

    ``x`` and ``gates`` are ``(streams, 4 units)``, i, f, o and g after each other, and may be the same; ``gates``
    gets ``i``, ``cont f``, ``o`` and ``g``. All else is ``(streams, units)``.
    """
    units = c.shape[1]
    for n in range(begin, end):
        for j in range(3 * units):
            gates[n, j] = sigmoid(np.float64(x[n, j]))
        for j in range(units, 2 * units):
            gates[n, j] = cont[n] * gates[n, j]
        for j in range(3 * units, 4 * units):
            gates[n, j] = tanh(np.float64(x[n, j]))
        for d in range(units):
            c[n, d] = gates[n, units + d] * c_prev[n, d] + gates[n, d] * gates[n, 3 * units + d]
            h[n, d] = gates[n, 2 * units + d] * tanh(np.float64(c[n, d]))


@njit(cache=True, nogil=True)
def lstm_unit_backward(begin: int, end: int, c_prev: Array, gates: Array, c: Array, dc: Array, dh: Array,
                       dx: Array, dc_prev: Array) -> None:
    """The gradients of what ``lstm_unit_forward`` read, from those of ``c`` and ``h``; ``dc_prev`` may be ``dc``."""
    units, one = c.shape[1], c.dtype.type(1)
    for n in range(begin, end):
        for d in range(units):
            i, f, o, g = gates[n, d], gates[n, units + d], gates[n, 2 * units + d], gates[n, 3 * units + d]
            squashed = c.dtype.type(tanh(np.float64(c[n, d])))
            total = dc[n, d] + dh[n, d] * o * (one - squashed * squashed)
            dx[n, d] = total * g * i * (one - i)
            dx[n, units + d] = total * c_prev[n, d] * f * (one - f)
            dx[n, 2 * units + d] = dh[n, d] * squashed * o * (one - o)
            dx[n, 3 * units + d] = total * i * (one - g * g)
            dc_prev[n, d] = total * f


@njit(cache=True, nogil=True)
def lstm_forward(begin: int, end: int, cont: Array, w: Array, h0: Array, c0: Array, hidden: Array, gates: Array,
                 c: Array, h: Array) -> None:
    """A step after the other: ``hidden = cont h[t - 1]``, ``gates += hidden wᵀ``, then ``lstm_unit_forward``.

    ``gates`` comes with what the input gives and leaves with the gates' values.
    """
    for t in range(len(h)):
        _continued(begin, end, h0 if t == 0 else h[t - 1], cont[t], hidden[t])
        _add_hidden(begin, end, t, hidden, w, gates)
        lstm_unit_forward(begin, end, c0 if t == 0 else c[t - 1], gates[t], cont[t], gates[t], c[t], h[t])


@njit(cache=True, nogil=True)
def lstm_backward(begin: int, end: int, cont: Array, w: Array, c0: Array, gates: Array, c: Array, dy: Array, dh: Array,
                  dc: Array, dgates: Array) -> None:
    """``dgates``, the gradient before the gates' nonlinearities, from that of all ``h``, ``dy``.

    ``dh`` and ``dc``, ``(streams, units)``, are scratch.
    """
    for n in range(begin, end):
        for d in range(dh.shape[1]):
            dh[n, d] = dc[n, d] = 0
    for t in range(len(dy) - 1, -1, -1):
        for n in range(begin, end):
            for d in range(dh.shape[1]):
                dh[n, d] += dy[t, n, d]
        lstm_unit_backward(begin, end, c0 if t == 0 else c[t - 1], gates[t], c[t], dc, dh, dgates[t], dc)
        _hidden_gradient(begin, end, t, cont, dgates, w, dh)


@njit(cache=True, nogil=True)
def rnn_forward(begin: int, end: int, cont: Array, w: Array, h0: Array, hidden: Array, gates: Array,
                h: Array) -> None:
    """A step after the other: ``hidden = cont h[t - 1]``, ``gates += hidden wᵀ``, ``h = tanh(gates)``."""
    for t in range(len(h)):
        _continued(begin, end, h0 if t == 0 else h[t - 1], cont[t], hidden[t])
        _add_hidden(begin, end, t, hidden, w, gates)
        for n in range(begin, end):
            for d in range(h.shape[2]):
                h[t, n, d] = tanh(np.float64(gates[t, n, d]))


@njit(cache=True, nogil=True)
def rnn_backward(begin: int, end: int, cont: Array, w: Array, h: Array, dy: Array, dh: Array, dgates: Array) -> None:
    """``dgates``, the gradient before the nonlinearity, from that of all ``h``, ``dy``.

    ``dh``, ``(streams, units)``, is scratch.
    """
    one = h.dtype.type(1)
    for n in range(begin, end):
        for d in range(dh.shape[1]):
            dh[n, d] = 0
    for t in range(len(dy) - 1, -1, -1):
        for n in range(begin, end):
            for d in range(dh.shape[1]):
                dgates[t, n, d] = (dy[t, n, d] + dh[n, d]) * (one - h[t, n, d] * h[t, n, d])
        _hidden_gradient(begin, end, t, cont, dgates, w, dh)


@njit(cache=True, nogil=True)
def add_to_steps(begin: int, end: int, x: Array, y: Array) -> None:
    """``y[t] += x`` for every step t."""
    for t in range(y.shape[0]):
        for n in range(begin, end):
            for d in range(y.shape[2]):
                y[t, n, d] += x[n, d]


@njit(cache=True, nogil=True)
def sum_of_steps(begin: int, end: int, dy: Array, dx: Array) -> None:
    """``dx = Σ_t dy[t]``"""
    for n in range(begin, end):
        for d in range(dy.shape[2]):
            total = dy.dtype.type(0)
            for t in range(dy.shape[0]):
                total += dy[t, n, d]
            dx[n, d] = total
