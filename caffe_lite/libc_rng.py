"""The C library's ``rand()``, which Caffe's HDF5Data layer shuffles with.

Nobody seeds it in Caffe, so its numbers are the same in each run, whatever ``random_seed`` says.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class LibcRng:
    """glibc's additive feedback generator: ``r[i] = r[i - 3] + r[i - 31] mod 2**32``, of which the lowest bit is left
    out; its first 34 come from ``16807 r mod (2**31 - 1)``. Source: the manual page random(3), and Simard's
    description of its default, TYPE_3.
    """

    def __init__(self, seed: int = 1) -> None:
        words = [seed]
        for _ in range(30):
            words.append(16807 * words[-1] % 2147483647)
        self._words = deque(words, maxlen=31)
        for _ in range(3):  # r[i] = r[i - 31]: the first three once more, which a ring of 31 has already
            self._words.rotate(-1)
        for _ in range(310):
            self.rand()

    def rand(self) -> int:
        """The next number, from 0 to 2**31 - 1."""
        word = (self._words[0] + self._words[-3]) & 0xFFFFFFFF
        self._words.append(word)
        return word >> 1

    def getstate(self) -> Array:
        """The state, ``uint32[31]``."""
        return np.array(self._words, np.uint32)

    def setstate(self, state: Array) -> None:
        """Go on where ``getstate`` was called.

        Raises:
            ValueError: this is no state of this generator.
        """
        if state.shape != (31,) or state.dtype != np.uint32:
            raise ValueError(f"expected uint32[31], found {state.dtype}{list(state.shape)}")
        self._words.extend(state.tolist())

    def shuffle(self, order: Array) -> None:
        """Put an array into a random order, in place, as libstdc++'s ``std::random_shuffle`` does."""
        for i in range(1, len(order)):
            j = self.rand() % (i + 1)
            if i != j:
                order[i], order[j] = order[j], order[i]
