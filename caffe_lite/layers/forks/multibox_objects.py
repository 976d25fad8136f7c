"""The objects that are in the images of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import DataError

IMAGE, LABEL, INSTANCE, BOX, DIFFICULT = 0, 1, 2, slice(3, 7), 7  # columns of an annotation, as AnnotatedData makes it


@dataclass(frozen=True)
class Objects:
    """All objects, image by image.

    Attributes:
        boxes: ``(objects, 4)``.
        labels: int64, ``(objects,)``.
        starts: int64, ``(images + 1,)``: those of image n are from ``starts[n]`` to ``starts[n + 1]``.
    """

    boxes: Array
    labels: Array
    starts: Array

    @property
    def most(self) -> int:
        """Of one image."""
        return int(np.diff(self.starts).max(initial=0))


def read_objects(rows: Array, images: int, background: int, use_difficult: bool) -> Objects:
    """The objects in the rows of a label blob, ``(objects, 8)``; image -1 marks a row that is none.

    Raises:
        DataError: an object has the background's label.
    """
    image = rows[:, IMAGE].astype(np.int64)
    wanted = (image >= 0) & (image < images)
    bad = np.flatnonzero(wanted & (rows[:, LABEL].astype(np.int64) == background))
    if bad.size:
        raise DataError(f"object {bad[0]} of the batch has label {background}, which is that of the background")
    if not use_difficult:
        wanted &= rows[:, DIFFICULT] == 0
    order = np.flatnonzero(wanted)
    order = order[np.argsort(image[order], kind="stable")]
    starts = np.searchsorted(image[order], np.arange(images + 1))
    return Objects(np.ascontiguousarray(rows[order, BOX]), rows[order, LABEL].astype(np.int64), starts)
