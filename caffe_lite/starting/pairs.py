"""Pairs of images, of the same class or of two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.rng import Rng

Array = np.ndarray[Any, Any]


def balanced_pairs(labels: Array, count: int, rng: Rng) -> Array:
    """Pairs, int64 of shape (count, 2): in turns one of the same class and one of two classes.

    Each image comes first as often as any other, give or take once, and never meets itself.

    Raises:
        DataError: there is one class only, or none has two images.
    """
    labels = np.asarray(labels)
    order = np.argsort(labels, kind="stable")  # the members of a class stand together
    place = np.argsort(order)
    sizes = np.bincount(labels)
    begins = np.cumsum(sizes) - sizes
    if np.count_nonzero(sizes) < 2:
        raise DataError("pairs of different classes need two classes at least; there is one")
    sociable = np.flatnonzero(sizes[labels] > 1)
    if not len(sociable):
        raise DataError("pairs of the same class need a class with two images; each class has one")
    pairs = np.empty((count, 2), np.int64)
    same, different = _in_turns(sociable, rng), _in_turns(np.arange(len(labels)), rng)
    for k in range(count):
        first = next(different if k % 2 else same)
        begin, size = begins[labels[first]], sizes[labels[first]]
        if k % 2:
            other = rng.rand() % (len(labels) - size)
            other += size if other >= begin else 0
        else:
            other = begin + rng.rand() % (size - 1)
            other += other >= place[first]
        pairs[k] = first, order[other]
    return pairs


def tutorial_pairs(labels: Array, count: int, rng: Rng) -> Array:
    """Pairs, int64 of shape (count, 2), each of two images drawn at random, as Caffe's siamese tutorial draws them: of
    ten classes one pair in ten is of the same, and an image may meet itself."""
    total = len(labels)
    return np.array([(rng.rand() % total, rng.rand() % total) for _ in range(count)], np.int64).reshape(-1, 2)


def _in_turns(items: Array, rng: Rng) -> Iterator[int]:
    """All of them in random order, and again in another."""
    items = items.copy()
    while True:
        rng.shuffle(items)
        yield from items.tolist()
