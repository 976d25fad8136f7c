"""What of a long or noisy line is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from caffe_lite.blob import Array

MOST = 2000
"""Points of a line; a chart has fewer pixels across."""
NOISY = 50
"""From so many values on a line is smoothed."""


def thinned(x: Sequence[float], y: Sequence[float]) -> tuple[Array, Array]:
    """At most ``MOST`` points that look as all of them do: of each stretch the lowest and the highest."""
    across, up = np.asarray(x, float), np.asarray(y, float)
    if len(up) <= MOST:
        return across, up
    edges = _edges(len(up), MOST // 2)
    keep = []
    for begin, end in pairwise(edges):
        part = up[begin:end]
        finite = np.flatnonzero(np.isfinite(part))
        keep += sorted({finite[part[finite].argmin()] + begin, finite[part[finite].argmax()] + begin}
                       if len(finite) else {begin})
    return across[keep], up[keep]


def smoothed(x: Sequence[float], y: Sequence[float], width: float = 0) -> tuple[Array, Array]:
    """A mean along the line, with a Gaussian's weights; values that are not finite have none.

    Args:
        width: the standard deviation, in values; 0 for a fiftieth of the line.

    Returns:
        At most ``MOST`` points.
    """
    across, up = np.asarray(x, float), np.asarray(y, float)
    weights = np.isfinite(up).astype(float)
    up = np.where(weights > 0, up, 0.0)
    width = width or len(up) / 50
    if len(up) > MOST:
        edges = _edges(len(up), MOST)
        width *= MOST / len(up)
        across = across[edges[:-1]]
        up, weights = np.add.reduceat(up, edges[:-1]), np.add.reduceat(weights, edges[:-1])
    reach = min(int(4 * width + 1), len(up) - 1)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(width, 1e-9)) ** 2)
    total = np.convolve(weights, bell)[reach : reach + len(up)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return across, np.convolve(up, bell)[reach : reach + len(up)] / total


def _edges(count: int, parts: int) -> Array:
    return np.linspace(0, count, parts + 1).astype(int)
