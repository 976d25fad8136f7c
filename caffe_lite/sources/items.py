"""The images of a batch, before they are transformed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.kernels.datum import CHANNELS, COLUMNS, HEIGHT, LABEL, WIDTH

Array = np.ndarray[Any, Any]


class Items:
    """Images, or other arrays of three axes, one after the other.

    Attributes:
        source: where they come from, for messages.
        fields: int64, one row an item, the columns named in ``caffe_lite.kernels.datum``.
        buffer: uint8; the pixels of item i begin at ``begins[i]``.
        floats: float32; for an item without pixels its values begin at ``begins[i]`` in here.
        sizes: how many values there are.
    """

    source: str
    fields: Array
    buffer: Array
    floats: Array
    begins: Array
    sizes: Array

    @property
    def labels(self) -> Array:
        return self.fields[:, LABEL]

    def name(self, index: int) -> str:
        """An item's, for a message."""
        raise NotImplementedError

    def where(self, index: int) -> str:
        """An item, for a message."""
        return f"{self.source}, {self.name(index)}"


class Images(Items):
    """Images in memory.

    Args:
        images: uint8, each of shape (channels, height, width).
        labels: one for each.
        names, source: for messages.
    """

    def __init__(self, images: Sequence[Array], labels: Sequence[int], names: Sequence[str], source: str) -> None:
        self.source, self._names = source, names
        self.fields = np.zeros((len(images), COLUMNS), np.int64)
        self.fields[:, [CHANNELS, HEIGHT, WIDTH]] = [image.shape for image in images]
        self.fields[:, LABEL] = labels
        self.sizes = np.array([image.size for image in images], np.int64)
        self.begins = np.cumsum(self.sizes) - self.sizes
        self.buffer = joined(images)
        self.floats = np.empty(0, np.float32)

    def name(self, index: int) -> str:
        return self._names[index]


def joined(arrays: Sequence[Array]) -> Array:
    """All bytes, one array after the other; read-only, as those of records are, so that kernels are compiled once."""
    buffer = np.concatenate([array.reshape(-1) for array in arrays])
    buffer.flags.writeable = False
    return buffer
