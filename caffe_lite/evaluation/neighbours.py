"""Which images lie nearest to an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.rng import Rng

Array = np.ndarray[Any, Any]
_ROWS = 256  # times 10,000 distances are 20 MB


def nearest(points: Array, count: int) -> Array:
    """The nearest other points of each point, nearest first, as indices of shape (points, count).

    Args:
        points: shape (points, dimensions).
        count: at most one less than there are points.
    """
    exact = np.asarray(points, np.float64)
    squares = (exact**2).sum(axis=1)
    found = np.empty((len(points), count), np.int64)
    for begin in range(0, len(points), _ROWS):
        rows = np.arange(begin, min(begin + _ROWS, len(points)))
        distances = squares - 2 * (exact[rows] @ exact.T)  # the row's own square changes no order
        distances[np.arange(len(rows)), rows] = np.inf
        near = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(distances, near, axis=1), axis=1, kind="stable")
        found[rows] = np.take_along_axis(near, order, axis=1)
    return found


def queries(labels: Array, count: int, rng: Rng) -> Array:
    """Indices of ``count`` images, or of all, drawn at random from each class in turns; then in the classes' order."""
    members = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        rng.shuffle(own)
        members.append(own)
    turns = [own[turn] for turn in range(max(map(len, members))) for own in members if turn < len(own)]
    chosen = np.array(turns[:count])
    return chosen[np.argsort(labels[chosen], kind="stable")]
