"""The machine's own rate: the product of two square float32 matrices by numpy, on all cores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.bench.contestants.runner import Runner, times_of

SIZE = 2048
OPERATIONS = 2 * SIZE**3


def load(folder: Path, mode: str) -> Runner:
    return Product()


class Product(Runner):
    """``a @ b``, into memory that is there already."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self._a, self._b = (rng.random((SIZE, SIZE), dtype=np.float32) for _ in range(2))
        self._out = self._a @ self._b

    def run(self, iterations: int) -> list[float]:
        return times_of(lambda: np.matmul(self._a, self._b, out=self._out), iterations)
