"""Random numbers as Caffe draws them, to the bit: boost's mt19937 and boost's distributions."""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache, cached_property
from typing import Any

import numpy as np

from caffe_lite.errors import ParameterError, SnapshotError
from caffe_lite.kernels import random as kernels
from caffe_lite.libc_rng import LibcRng

Array = np.ndarray[Any, Any]


class Rng:
    """One stream of random numbers.

    Args:
        seed: taken modulo 2**32, as Caffe does; ``None`` seeds from the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is None:
            seed = int.from_bytes(os.urandom(4), "little")
        words = np.random.RandomState(seed & 0xFFFFFFFF).get_state(legacy=False)["state"]["key"]
        self._state = np.append(words, kernels.WORDS).astype(np.uint32)

    @cached_property
    def libc(self) -> LibcRng:
        """The C library's generator, which Caffe draws from here and there beside this one."""
        return LibcRng()

    def rand(self) -> int:
        """One 32-bit word; Caffe seeds further streams with it (``caffe_rng_rand``)."""
        return int(kernels.next_word(self._state))

    def uniform(self, a: float, b: float, n: int | Array) -> Array:
        """Draw float32 from U[a, b], ``b`` included (``caffe_rng_uniform``).

        Args:
            n: how many, or a contiguous float32 array to fill instead of a new one.

        Raises:
            ParameterError: ``b`` is less than ``a``, or they are not finite or too far apart for a float32.
        """
        low, high = uniform_bounds(a, b)
        out = _room(n, np.float32)
        kernels.uniform(self._state, out.reshape(-1), low, high)
        return out

    def gaussian(self, mean: float, sigma: float, n: int | Array) -> Array:
        """Draw float32 from N(mean, sigma**2) (``caffe_rng_gaussian``; ``n`` as in ``uniform``).

        Raises:
            ParameterError: ``sigma`` is not above 0.
        """
        spread = gaussian_spread(sigma)
        out = _room(n, np.float32)
        corners = (*_gaussian_corners(), *_exponential_corners())
        kernels.gaussian(self._state, out.reshape(-1), np.float32(mean), spread, *corners)
        return out

    def bernoulli(self, p: float, n: int | Array, real: type = np.float64) -> Array:
        """Draw uint32, each 1 with probability ``p`` and else 0 (``caffe_rng_bernoulli``).

        Args:
            n: how many, or a contiguous uint32 array to fill instead of a new one.
            real: the type that a word is compared with ``p`` in: Caffe's Dropout does it in double, its
                sparse gaussian filler in float.

        Raises:
            ParameterError: ``p`` is not between 0 and 1.
        """
        if not 0 <= p <= 1:
            raise ParameterError(f"{p:g} is not a probability: expected a number from 0 to 1")
        out = _room(n, np.uint32)
        if real(p) == 0:
            out[...] = 0  # Boost takes no word for what cannot happen
        else:
            limit = real(p) * real(0xFFFFFFFF)
            kernels.at_most(self._state, out.reshape(-1), bisect_right(range(1 << 32), limit, key=real) - 1)
        return out

    def shuffle(self, items: Any) -> None:
        """Put a list, or the rows of an array, into a random order, in place (``caffe::shuffle``)."""
        order = np.arange(len(items))
        kernels.permute(self._state, order)
        items[:] = items[order] if isinstance(items, np.ndarray) else [items[i] for i in order]

    def getstate(self) -> Array:
        """The state of the stream, ``uint32[625]``: the twister's 624 words and the place of the next one."""
        return self._state.copy()

    def setstate(self, state: Array) -> None:
        """Go on where ``getstate`` was called.

        Raises:
            SnapshotError: this is no state of a generator.
        """
        state = np.asarray(state)
        if state.shape != self._state.shape or state.dtype != np.uint32 or state[-1] > kernels.WORDS:
            raise SnapshotError(
                f"this is no random generator's state: expected {self._state.size} uint32, the last no more "
                f"than {kernels.WORDS}; found {state.dtype}{list(state.shape)}"
            )
        self._state[...] = state


_of_thread = threading.local()


def default() -> Rng:
    """The stream that fillers, dropout and the seeds of other streams come from; each thread has its own, as
    ``Caffe::Get()`` gives it, so that trainings in two threads do not draw from each other's."""
    if not hasattr(_of_thread, "rng"):
        _of_thread.rng = Rng()
    stream: Rng = _of_thread.rng
    return stream


def set_random_seed(seed: int | None) -> None:
    """Start this thread's default stream anew from ``seed``, for whoever holds it too; the C library's begins as in a
    new process (``Caffe::set_random_seed``)."""
    default().setstate(Rng(seed).getstate())
    default().libc = LibcRng()


def uniform_bounds(a: float, b: float) -> tuple[Any, Any]:
    """The float32 range of a draw from U[a, b], its end left out; errors as ``Rng.uniform``."""
    largest = np.finfo(np.float32).max
    with np.errstate(all="ignore"):
        low, last = np.float32(a), np.float32(b)
        high = np.nextafter(last, largest)
        drawable = low <= last < high and high - low <= largest
    if not drawable:
        raise ParameterError(
            f"cannot draw uniformly from {a:g} to {b:g}: expected finite numbers, the first no larger "
            "than the second"
        )
    return low, high


def gaussian_spread(sigma: float) -> Any:
    """The standard deviation of a draw as float32; errors as ``Rng.gaussian``."""
    spread = np.float32(sigma)
    if not spread > 0:
        raise ParameterError(f"cannot draw with a standard deviation of {sigma:g}: expected more than 0")
    return spread


def _room(n: int | Array, dtype: type) -> Array:
    if not isinstance(n, np.ndarray):
        return np.empty(n, dtype)
    if n.dtype != dtype or not n.flags.c_contiguous:
        raise ValueError(
            f"expected a contiguous array of {np.dtype(dtype)}, got {n.dtype} with strides {n.strides}"
        )
    return n


_GAUSSIAN_TAIL = "3.442619855896652121424320491467339704"
_EXPONENTIAL_TAIL = "7.697117470131049714044628048015215499"


def ziggurat(
    layers: int,
    tail: str,
    density: Callable[[Decimal], Decimal],
    inverse: Callable[[Decimal], Decimal],
    area_beyond: Callable[[Decimal], Decimal],
) -> tuple[Array, Array]:
    """The corners of a ziggurat: ``layers`` strips of equal area v that cover a falling density f, f(0) = 1.

    With the tail starting at r: ``v = r f(r) + integral of f from r``, ``x[0] = v / f(r)``, ``x[1] = r``,
    ``x[i + 1] = inverse(f(x[i]) + v / x[i])`` up to ``x[layers] = 0``; ``y[i] = f(x[i])``, ``y[0] = 0``.
    The one r for which the last strip ends at f(0) is given; 36 digits leave every corner exact in float64.
    Source: Marsaglia and Tsang, *The Ziggurat Method for Generating Random Variables*, 2000.

    Returns:
        x and y, float64, ``layers + 1`` elements each.
    """
    with localcontext() as context:
        context.prec = 40
        r = Decimal(tail)
        area = r * density(r) + area_beyond(r)
        x, y = [area / density(r), r], [Decimal(0), density(r)]
        while len(x) < layers:
            y.append(y[-1] + area / x[-1])
            x.append(inverse(y[-1]))
    return np.array([*x, 0], np.float64), np.array([*y, 1], np.float64)


@cache
def _exponential_corners() -> tuple[Array, Array]:
    return ziggurat(256, _EXPONENTIAL_TAIL, lambda x: (-x).exp(), lambda y: -y.ln(), lambda r: (-r).exp())


@cache
def _gaussian_corners() -> tuple[Array, Array]:
    def density(x: Decimal) -> Decimal:
        return (-x * x / 2).exp()

    def area_beyond(r: Decimal) -> Decimal:
        """Laplace's continued fraction, f(r) / (r + 1 / (r + 2 / (r + 3 / ...)))."""
        fraction = r
        for k in range(200, 0, -1):
            fraction = r + k / fraction
        return density(r) / fraction

    return ziggurat(128, _GAUSSIAN_TAIL, density, lambda y: (-2 * y.ln()).sqrt(), area_beyond)
