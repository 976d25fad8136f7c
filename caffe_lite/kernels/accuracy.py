"""Accuracy. Scores are ``(outer, channels, inner)``, labels ``(outer, inner)``."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any


@njit(cache=True, nogil=True)
def count_correct(x: Array, label: Array, top_k: int, ignore: int, correct: Array, counted: Array) -> None:
    """For each class how many of its predictions are among the ``top_k`` best, and how many there were.

    A prediction as high as the label's own counts as better than it.
    """
    correct[:] = 0
    counted[:] = 0
    for n in range(x.shape[0]):
        for k in range(x.shape[2]):
            value = int(label[n, k])
            if value == ignore:
                continue
            better = -1  # the label's own class is found below
            for c in range(x.shape[1]):
                if x[n, c, k] >= x[n, value, k]:
                    better += 1
            counted[value] += 1
            if better < top_k:
                correct[value] += 1
