"""Random draws from a Mersenne Twister, to the bit as Boost 1.56 and later make them for Caffe.

The state of a generator is one ``uint32[625]``: the 624 words of the twister and the place of the next one.
Arithmetic is float32 in exactly the order given here, as in a float32 Caffe; a table in float64 is compared
against without rounding where Boost does so.

Sources: Matsumoto and Nishimura, *Mersenne Twister*, 1998; Marsaglia and Tsang, *The Ziggurat Method for
Generating Random Variables*, 2000; Caffe's ``math_functions.cpp`` and ``util/rng.hpp``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

WORDS = 624
_MIDDLE = 397
_UPPER, _LOWER = 0x80000000, 0x7FFFFFFF
_TWIST = 0x9908B0DF
_PER_WORD = np.float32(2.0**-32)
_PER_MANTISSA = np.float32(2.0**-24)
_ONE = np.float32(1)
_TWO = np.float32(2)


@njit(cache=True, nogil=True)
def next_word(state: Array) -> Any:
    """The next 32 bits of the generator, as an int64."""
    place = np.int64(state[WORDS])
    if place >= WORDS:
        _twist(state)
        place = np.int64(0)
    state[WORDS] = place + 1
    return _temper(np.int64(state[place]))


@njit(cache=True, nogil=True)
def _temper(word: Any) -> Any:
    word ^= word >> 11
    word ^= (word << 7) & 0x9D2C5680
    word ^= (word << 15) & 0xEFC60000
    return word ^ (word >> 18)


@njit(cache=True, nogil=True)
def _twist(state: Array) -> None:
    for i in range(WORDS - _MIDDLE):  # two loops without a remainder: LLVM makes vectors of them
        state[i] = _mix(np.int64(state[i]), np.int64(state[i + 1]), np.int64(state[i + _MIDDLE]))
    for i in range(WORDS - _MIDDLE, WORDS - 1):
        state[i] = _mix(np.int64(state[i]), np.int64(state[i + 1]), np.int64(state[i + _MIDDLE - WORDS]))
    state[WORDS - 1] = _mix(np.int64(state[WORDS - 1]), np.int64(state[0]), np.int64(state[_MIDDLE - 1]))


@njit(cache=True, nogil=True)
def _mix(word: Any, following: Any, far: Any) -> Any:
    pair = (word & _UPPER) | (following & _LOWER)
    return far ^ (pair >> 1) ^ (-(pair & 1) & _TWIST)


@njit(cache=True, nogil=True)
def uniform(state: Array, out: Array, low: Any, high: Any) -> None:
    """Fill ``out`` with ``low + (high - low) u``, u in [0, 1); what rounds up to ``high`` is drawn again."""
    for i in range(out.size):
        value = high
        while not value < high:
            value = np.float32(next_word(state)) * _PER_WORD * (high - low) + low
        out[i] = value


@njit(cache=True, nogil=True)
def at_most(state: Array, out: Array, last: Any) -> None:
    """Fill ``out`` with 1 where a word is no larger than ``last``, with 0 elsewhere."""
    done = 0
    while done < out.size:  # as many words as there are before the next twist
        if state[WORDS] >= WORDS:
            _twist(state)
            state[WORDS] = 0
        place = np.int64(state[WORDS])
        count = min(WORDS - place, out.size - done)
        words, flags = state[place:place + count], out[done:done + count]
        for i in range(count):
            flags[i] = _temper(np.int64(words[i])) <= last
        state[WORDS] = place + count
        done += count


@njit(cache=True, nogil=True)
def permute(state: Array, order: Array) -> None:
    """Shuffle ``order`` in place (Fisher-Yates, from the end); an index is a word cut into equal buckets."""
    for i in range(order.size - 1, 0, -1):
        bucket = 0x100000000 // (i + 1)
        j = next_word(state) // bucket
        while j > i:
            j = next_word(state) // bucket
        order[i], order[j] = order[j], order[i]


@njit(cache=True, nogil=True)
def gaussian(
    state: Array, out: Array, mean: Any, sigma: Any, x: Array, y: Array, tail_x: Array, tail_y: Array
) -> None:
    """Fill ``out`` with ``sigma z + mean``, z from the ziggurat whose layers' corners are ``x`` and ``y``.

    A word is 24 bits of position, 7 of layer and 1 of sign; ``tail_x`` and ``tail_y`` are the corners of the
    exponential distribution's ziggurat, which the tail is drawn from.
    """
    for i in range(out.size):
        sign = value = np.float32(-1)
        while value < 0:
            word = next_word(state)
            layer = (word & 0xFF) >> 1
            sign = np.float32(((word & 1) << 1) - 1)
            value = np.float32(word >> 8) * _PER_MANTISSA * np.float32(x[layer])
            if not value < x[layer + 1]:
                value = _gaussian_edge(state, layer, value, x, y, tail_x, tail_y)
        out[i] = value * sign * sigma + mean


@njit(cache=True, nogil=True)
def _gaussian_edge(
    state: Array, layer: Any, value: Any, x: Array, y: Array, tail_x: Array, tail_y: Array
) -> Any:
    """What becomes of a value outside its layer's rectangle; -1 where it lies above the curve."""
    right = np.float32(x[layer])
    if layer == 0:
        return _gaussian_tail(state, np.float32(x[1]), tail_x, tail_y)
    part = _unit_uniform(state)
    bottom = np.float32(y[layer])
    height = bottom + part * np.float32(y[layer + 1] - y[layer])
    over_chord = np.float32(x[layer] - x[layer + 1]) * part - (right - value)
    over_tangent = height - (bottom + (right - value) * bottom * right)
    if x[layer] < 1:  # left of the inflection point the curve bulges the other way
        over_chord, over_tangent = over_tangent, over_chord
    if over_chord < 0 and (over_tangent < 0 or height < _exp(-(value * value / _TWO))):
        return value
    return np.float32(-1)


@njit(cache=True, nogil=True)
def _gaussian_tail(state: Array, start: Any, x: Array, y: Array) -> Any:
    while True:
        beyond = _unit_exponential(state, x, y) / start
        if _TWO * _unit_exponential(state, x, y) > beyond * beyond:
            return beyond + start


@njit(cache=True, nogil=True)
def _unit_exponential(state: Array, x: Array, y: Array) -> Any:
    shift = np.float32(0)
    while True:
        word = next_word(state)
        layer = word & 0xFF
        right, left = np.float32(x[layer]), np.float32(x[layer + 1])
        value = np.float32(word >> 8) * _PER_MANTISSA * right
        if value < left:
            return shift + value
        if layer == 0:  # the tail looks like the whole
            shift += left
            continue
        part = _unit_uniform(state)
        top = np.float32(y[layer + 1])
        height = np.float32(y[layer]) + part * np.float32(y[layer + 1] - y[layer])
        over_chord = np.float32(x[layer] - x[layer + 1]) * part - (right - value)
        over_tangent = height - (top + (left - value) * top)
        if over_chord < 0 and (over_tangent < 0 or height < _exp(-value)):
            return value + shift


@njit(cache=True, nogil=True)
def _unit_uniform(state: Array) -> Any:
    value = _ONE
    while not value < _ONE:
        value = np.float32(next_word(state)) * _PER_WORD
    return value


@njit(cache=True, nogil=True)
def _exp(value: Any) -> Any:
    """The float32 exponential, rounded once from float64 so that it is the same on every machine."""
    return np.float32(math.exp(np.float64(value)))
