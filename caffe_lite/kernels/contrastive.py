"""The contrastive loss. Features are ``(pairs, channels)``, the similarity ``(pairs,)``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


@njit(cache=True, nogil=True, error_model="numpy")
def contrastive_forward(a: Array, b: Array, similar: Array, margin: float, legacy: bool, diff: Array, dist_sq: Array,
                        loss: Array) -> None:
    """``loss[0] = 1/2N Σ s d² + (1 - s) max(margin - d, 0)²``, or for the legacy loss ``max(margin - d², 0)``.

    Leaves ``a - b`` in ``diff`` and ``d²`` in ``dist_sq``.
    """
    number = a.dtype.type
    zero = losses = number(0)
    for n in range(a.shape[0]):
        total = zero
        for c in range(a.shape[1]):
            diff[n, c] = a[n, c] - b[n, c]
            total += diff[n, c] * diff[n, c]
        dist_sq[n] = total
        if int(similar[n]) != 0:
            losses += total
        elif legacy:
            losses += max(margin - total, zero)
        else:
            gap = max(margin - np.sqrt(total), zero)
            losses += gap * gap
    loss[0] = losses / number(a.shape[0]) / number(2)


@njit(cache=True, nogil=True, error_model="numpy")
def contrastive_backward(similar: Array, margin: float, legacy: bool, weight: Array, sign: float, softening: float,
                         diff: Array, dist_sq: Array, dx: Array) -> None:
    """``dx = alpha diff`` of a similar pair, ``-alpha diff (margin - d) / (d + softening)`` of a dissimilar one
    nearer than ``margin``, else 0; the legacy loss has ``-alpha diff``. ``alpha`` is ``sign * weight[0] / N``."""
    number = dx.dtype.type
    alpha = sign * (weight[0] / number(dx.shape[0]))
    for n in range(dx.shape[0]):
        if int(similar[n]) != 0:
            factor = alpha
        elif legacy:
            factor = -alpha if margin - dist_sq[n] > 0 else number(0)
        else:
            dist = np.sqrt(dist_sq[n])
            factor = -alpha * (margin - dist) / (dist + softening) if margin - dist > 0 else number(0)
        for c in range(dx.shape[1]):
            dx[n, c] = factor * diff[n, c]
