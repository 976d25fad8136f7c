"""Boxes of an image as it was before it was resized, and the files that say how large that is."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import DataError
from caffe_lite.schema import ResizeParameter


def read_sizes(path: str | os.PathLike[str]) -> list[tuple[str, int, int]]:
    """The lines of a ``name_size_file``: name, height and width of each image.

    Raises:
        DataError: there is no such file, or a line is none such.
    """
    try:
        with open(path, encoding="utf-8") as file:
            words = [line.split() for line in file if line.strip()]
        return [(name, int(height), int(width)) for name, height, width in words]
    except OSError as error:
        raise DataError(f"Failed to open name size file: {os.fspath(path)}: {error.strerror}") from None
    except ValueError:
        raise DataError(f"{os.fspath(path)}: each line must be a name, a height and a width") from None


def to_pixels(boxes: Array, height: int, width: int, resize: Any | None = None) -> Array:
    """Boxes in units of the resized image as pixels of the original one of this size, cut off at its sides.

    Args:
        boxes: ``(boxes, 4)``.
        resize: the ``ResizeParameter``, or None if the image was warped.

    Source: ``OutputBBox`` in SSD's bbox_util.cpp.
    """
    original = np.array([width, height] * 2, boxes.dtype)
    if resize is not None and resize.resize_mode == ResizeParameter.FIT_SMALL_SIZE and (
            resize.height_scale and resize.width_scale):
        scaled = boxes * np.array([resize.width_scale, resize.height_scale] * 2, boxes.dtype)
        return np.clip(scaled, 0, original)
    if resize is not None and resize.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD:
        boxes = _without_padding(boxes, width / height, resize.height, resize.width)
    return np.clip(boxes, 0, 1) * original


def _without_padding(boxes: Array, aspect: float, height: int, width: int) -> Array:
    x = y = 0.0
    if aspect > width / height:
        y = (height - width / aspect) / 2 / height
    else:
        x = (width - height * aspect) / 2 / width
    low, size = np.array([x, y] * 2, boxes.dtype), np.array([1 - 2 * x, 1 - 2 * y] * 2, boxes.dtype)
    outside = np.any(boxes[:, :2] >= 1 - low[:2], axis=1) | np.any(boxes[:, 2:] <= low[2:], axis=1)
    return np.where(outside[:, None], boxes, (boxes - low) / size)
