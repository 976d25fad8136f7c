"""How well the distance of two images tells whether they are of the same class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from caffe_lite.errors import DataError

Array = np.ndarray[Any, Any]


class Roc(NamedTuple):
    """The receiver operating characteristic, a step for each distance that occurs, from nothing called the same to all.

    Attributes:
        false_positives: of the pairs of two classes, the share that is called the same.
        true_positives: of the pairs of the same class, the share that is called the same.
        area: under the curve; also the chance that a pair of the same class is nearer than one of two classes.
    """

    false_positives: Array
    true_positives: Array
    area: float


class Scores(NamedTuple):
    """What comes of calling pairs nearer than a threshold the same: the shares that are called what they are, of all
    pairs, of those of the same class, and of those of two classes."""

    accuracy: float
    same: float
    different: float


def roc(distances: Array, same: Array) -> Roc:
    """The curve of pairs at these distances.

    Args:
        distances: shape (pairs,).
        same: bool, shape (pairs,).

    Raises:
        DataError: all pairs are of the same class, or none is.
    """
    _check(same)
    order = np.argsort(distances, kind="stable")
    hits = same[order]
    ends = np.append(np.flatnonzero(np.diff(distances[order])), len(order) - 1)  # of pairs equally far
    true = np.append(0, np.cumsum(hits)[ends]) / np.count_nonzero(same)
    false = np.append(0, np.cumsum(~hits)[ends]) / np.count_nonzero(~same)
    area = float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))
    return Roc(false, true, area)


def best_threshold(distances: Array, same: Array) -> float:
    """The distance that tells most pairs right when nearer ones are called the same; of several the middle of the
    widest gap between two pairs.

    Raises:
        DataError: all pairs are of the same class, or none is.
    """
    _check(same)
    order = np.argsort(distances, kind="stable")
    values = distances[order].astype(np.float64)
    right = np.append(0, np.cumsum(np.where(same[order], 1, -1)))  # gained by calling the first k the same
    edges = np.concatenate([[0.0], values, [values[-1] * 2 or 1.0]])
    gaps = np.diff(edges)
    possible = gaps > 0
    possible[0] = True  # none is nearer than a threshold of 0
    best = possible & (right == right[possible].max())
    k = int(np.argmax(np.where(best, gaps, -1)))
    return float((edges[k] + edges[k + 1]) / 2)


def scores(distances: Array, same: Array, threshold: float) -> Scores:
    """How many pairs are told right."""
    called = distances < threshold
    return Scores(*(float(np.mean(part)) for part in (called == same, called[same], ~called[~same])))


def _check(same: Array) -> None:
    if same.all() or not same.any():
        kind = "the same class" if same.all() else "two classes"
        raise DataError(f"all {len(same)} pairs are of {kind}; a threshold takes some of both kinds")
