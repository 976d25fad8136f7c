"""The binary files of CIFAR-10: for each image a byte of label, then its red, its green and its blue pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.files import read_whole

Array = np.ndarray[Any, Any]

CHANNELS, SIZE, IMAGES = 3, 32, 10000
TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST = "test_batch.bin"


def read_batch(path: str) -> tuple[Array, Array]:
    """The images, uint8 of shape (images, 3, 32, 32), and the labels of a file.

    Raises:
        DataError: the file cannot be read, or does not hold 10,000 images.
    """
    try:
        data = np.frombuffer(read_whole(path), np.uint8)
    except OSError as error:
        raise DataError(f"Unable to open {path}: {error.strerror}; give the folder with CIFAR-10's binary version, "
                        "unpacked") from None
    record = 1 + CHANNELS * SIZE * SIZE
    if data.size != IMAGES * record:
        hint = "; gunzip it first" if data[:2].tobytes() == b"\x1f\x8b" else ""
        raise DataError(f"{path}: expected {IMAGES} images of {record} bytes, found {data.size} bytes{hint}")
    rows = data.reshape(IMAGES, record)
    return rows[:, 1:].reshape(IMAGES, CHANNELS, SIZE, SIZE), rows[:, 0]
