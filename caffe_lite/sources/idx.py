"""The files of MNIST: images and labels in the idx format.

A header of big-endian 32-bit numbers (2051, images, rows, columns, or 2049, labels), then one byte a pixel or
label.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.files import read_whole

Array = np.ndarray[Any, Any]

IMAGES, LABELS = 2051, 2049
MOST = (1 << 31) - 1
"""Images, rows or columns."""


def read_images(path: str | os.PathLike[str]) -> Array:
    """The images, uint8 of shape (images, rows, columns).

    Raises:
        DataError: this is no such file, or not all of it.
    """
    return _read(path, IMAGES, "image", 3)


def read_labels(path: str | os.PathLike[str]) -> Array:
    """The labels, uint8 of shape (labels,).

    Raises:
        DataError: this is no such file, or not all of it.
    """
    return _read(path, LABELS, "label", 1)


def read_pair(images: str | os.PathLike[str], labels: str | os.PathLike[str]) -> tuple[Array, Array]:
    """The images of one file and their labels of another.

    Raises:
        DataError: as above, or there are not as many images as labels.
    """
    pixels, classes = read_images(images), read_labels(labels)
    if len(pixels) != len(classes):
        raise DataError(
            f"{images} holds {len(pixels)} images, {labels} holds {len(classes)} labels: expected as many of "
            "the one as of the other; are they from the same set?"
        )
    return pixels, classes


def _read(path: str | os.PathLike[str], magic: int, what: str, axes: int) -> Array:
    try:
        data = read_whole(path)
    except OSError as error:
        raise DataError(
            f"Unable to open file {os.fspath(path)}: {error.strerror}; `caffe_lite get_mnist` fetches MNIST"
        ) from None
    header = 4 * (1 + axes)
    numbers = [int(n) for n in np.frombuffer(data, ">u4", min(1 + axes, len(data) // 4))]
    if numbers[:1] != [magic]:
        raise DataError(
            f"{os.fspath(path)}: Incorrect {what} file magic. Expected {magic}, "
            f"found {_describe(data, numbers)}"
        )
    expected = header + int(np.prod(numbers[1:], dtype=object))
    if len(data) < header or len(data) != expected:
        raise DataError(
            f"{os.fspath(path)}: the file is truncated or damaged: "
            f"expected {max(expected, header)} bytes, found {len(data)}; fetch it again"
        )
    if max(numbers[1:]) > MOST:  # beside a 0, which makes the file as long as it should be
        sizes = " x ".join(map(str, numbers[1:]))
        raise DataError(f"{os.fspath(path)}: the file is damaged: it says that it holds {sizes} bytes; fetch it again")
    return np.frombuffer(data, np.uint8, offset=header).reshape(numbers[1:])


def _describe(data: bytes, numbers: list[int]) -> str:
    if data[:2] == b"\x1f\x8b":
        return "a compressed file; gunzip it first"
    if not numbers:
        return f"a file of {len(data)} bytes"
    hints = {IMAGES: ", a file of images", LABELS: ", a file of labels"}
    return f"{numbers[0]}{hints.get(numbers[0], '')}; images come first, then labels, then the database"
