"""Which images are learned from, and which tested with."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.rng import Rng
from caffe_lite.starting.photos import Photos

Array = np.ndarray[Any, Any]


def split(photos: Photos, share: float, rng: Rng) -> tuple[Photos, Photos]:
    """The images to learn from and those to test with, both in random order: no image is in both.

    Of each class about ``share`` are tested with, one at least, and one at least is learned from. Of more than a
    hundred some go back, so that batches of equal size cover the test set exactly once.

    Raises:
        DataError: a class has a single image.
    """
    picked: list[list[int]] = []
    for label, name in enumerate(photos.classes):
        members = np.flatnonzero(photos.labels == label)
        if len(members) < 2:
            raise DataError(f"class {name!r} has one image, and two are the least: one to learn from, one to test with")
        rng.shuffle(members)
        tested = min(max(round(share * len(members)), 1), len(members) - 1)
        picked.append(members[:tested].tolist())
    for _ in range(_surplus(sum(map(len, picked)))):
        max(picked, key=len).pop()
    test = np.array([i for members in picked for i in members])
    train = np.setdiff1d(np.arange(len(photos)), test)
    rng.shuffle(test)
    rng.shuffle(train)
    return photos.take(train), photos.take(test)


def _surplus(count: int) -> int:
    return count % 100 if count > 1000 else count % 10 if count > 100 else 0
