"""Which part of an image a window shows, and where in the crop it goes."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np

from caffe_lite.sources.windows import Window


@dataclass(frozen=True)
class Place:
    """The rectangle to cut out, both corners included; the size to give it, and the place in the crop to put it."""

    x1: int
    y1: int
    x2: int
    y2: int
    height: int
    width: int
    top: int = 0
    left: int = 0


def place(
    window: Window, size: tuple[int, ...], crop: int, padding: int, square: bool, mirrored: bool, dtype: Any
) -> Place:
    """Widen a window by its context, clip it to the image, and see what that means in the crop.

    Args:
        size: height and width of the image.
        crop: the size of the crop; ``padding`` pixels of it at each side show what is around the window.
        square: take the square around the window instead.
        mirrored: the crop will be mirrored.
        dtype: that is computed in, as in Caffe.

    Source: ``load_batch`` in Caffe's window_data_layer.cpp; Girshick et al., *Rich feature hierarchies*, 2014,
    appendix A.
    """
    if not padding and not square:
        return Place(window.x1, window.y1, window.x2, window.y2, crop, crop)
    real = np.dtype(dtype).type
    half_height, half_width = real(window.y2 - window.y1 + 1) / real(2), real(window.x2 - window.x1 + 1) / real(2)
    centre_y, centre_x = real(window.y1) + half_height, real(window.x1) + half_width
    if square:
        half_height = half_width = max(half_height, half_width)
    widened = real(crop) / real(crop - 2 * padding)
    top, height, y1, y2, _ = _along(centre_y, half_height * widened, size[0], crop, real)
    left, width, x1, x2, right = _along(centre_x, half_width * widened, size[1], crop, real)
    if mirrored:
        left = right
    return Place(x1, y1, x2, y2, min(height, crop - top), min(width, crop - left), top, left)


def _along(centre: Any, half: Any, size: int, crop: int, real: Any) -> tuple[int, int, int, int, int]:
    """For one axis: the padding before, the length in the crop, the first and last pixel, the padding after."""
    first, last = _round(centre - half), _round(centre + half)
    before, after = max(0, -first), max(0, last - size + 1)
    scale = real(crop) / real(last - first + 1)
    clipped = last - after - (first + before) + 1
    return _round(real(before) * scale), _round(real(clipped) * scale), first + before, last - after, _round(
        real(after) * scale
    )


def _round(value: Any) -> int:
    """To the nearest whole number, halves away from zero."""
    return floor(abs(float(value)) + 0.5) * (1 if value >= 0 else -1)
