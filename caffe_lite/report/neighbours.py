"""How well neighbours agree: nearest neighbour classification, leaving one out."""

from __future__ import annotations

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import ShapeError


def neighbour_accuracy(points: Array, labels: Array, neighbours: int = 10) -> float:
    """The share of points whose nearest others, its own self left out, name its label by majority.

    Of labels with equally many votes the smallest counts.

    Args:
        points: shape (count, dimensions).
        labels: ``count`` integers from 0 up.
        neighbours: how many vote; at most ``count - 1``.

    Raises:
        ShapeError: too few points, or not as many labels.
    """
    count = len(points)
    if len(labels) != count or count <= neighbours:
        raise ShapeError(
            f"{neighbours} neighbours need more points than that, each with a label; "
            f"found {count} points and {len(labels)} labels"
        )
    exact = np.asarray(points, np.float64)
    squares = (exact**2).sum(axis=1)
    classes = int(labels.max()) + 1
    right = 0
    for begin in range(0, count, 256):  # 256 x 10,000 distances are 20 MB
        rows = np.arange(begin, min(begin + 256, count))
        distances = squares - 2 * (exact[rows] @ exact.T)  # the row's own square changes no order
        distances[np.arange(len(rows)), rows] = np.inf
        nearest = np.argpartition(distances, neighbours - 1, axis=1)[:, :neighbours]
        ballots = labels[nearest] + classes * np.arange(len(rows))[:, None]
        votes = np.bincount(ballots.ravel(), minlength=classes * len(rows)).reshape(len(rows), classes)
        right += int((votes.argmax(axis=1) == labels[rows]).sum())
    return right / count
