"""Colours as OpenCV has them in bytes: hue from 0 to 180, saturation and value from 0 to 255.

Images are uint8 (3, height, width), blue, green and red. Source: OpenCV's color_hsv, and SSD's im_transforms.cpp.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.rng import Rng

Array = np.ndarray[Any, Any]
SHIFT = 12  # of the fixed point that hue and saturation are computed in


def to_hsv(image: Array) -> Array:
    """Hue, saturation and value of each pixel."""
    blue, green, red = image.astype(np.int64)
    value = np.maximum(np.maximum(blue, green), red)
    range_ = value - np.minimum(np.minimum(blue, green), red)
    sides = [green - blue, blue - red + 2 * range_, red - green + 4 * range_]
    sector = np.select([value == red, value == green], sides[:2], sides[2])
    hue = sector * _inverses((180 << SHIFT) / 6)[range_] + (1 << SHIFT - 1) >> SHIFT
    saturation = range_ * _inverses(255 << SHIFT)[value] + (1 << SHIFT - 1) >> SHIFT
    return np.stack([np.where(hue < 0, hue + 180, hue), saturation, value]).astype(np.uint8)


def _inverses(numerator: float) -> Array:
    return np.rint(np.append(0, numerator / np.arange(1, 256))).astype(np.int64)


def from_hsv(image: Array) -> Array:
    """Blue, green and red of each pixel; a hue beyond 180 begins at red again."""
    hue, saturation, value = image.astype(np.float32) * np.array([6 / 180, 1 / 255, 1 / 255], np.float32)[:, None, None]
    sector = np.floor(hue).astype(np.int64)
    part = hue - sector
    table = np.stack([value, value * (1 - saturation), value * (1 - saturation * part),
                      value * (1 - saturation * (1 - part))])
    which = np.array([[1, 3, 0], [1, 0, 2], [3, 0, 1], [0, 2, 1], [0, 1, 3], [2, 1, 0]])[sector % 6]
    return _bytes(np.take_along_axis(table, np.moveaxis(which, -1, 0), axis=0) * np.float32(255))


def distort(image: Array, param: Any, rng: Rng) -> Array:
    """Random changes of brightness, contrast, saturation, hue and the order of channels, by a ``DistortionParameter``.

    Raises:
        DataError: this is no colour image.
    """
    if len(image) != 3:
        raise DataError(f"distort_param is for images of 3 channels, found {len(image)}; set force_color: true")
    contrast_early = _draw(rng, 0, 1) > 0.5
    image = _brightness(image, param, rng)
    if contrast_early:
        image = _contrast(image, param, rng)
    image = _hue(_saturation(image, param, rng), param, rng)
    if not contrast_early:
        image = _contrast(image, param, rng)
    if _draw(rng, 0, 1) < param.random_order_prob:
        order = np.arange(3)
        rng.shuffle(order)
        image = image[order]
    return image


def _brightness(image: Array, param: Any, rng: Rng) -> Array:
    if _draw(rng, 0, 1) >= param.brightness_prob:
        return image
    return _bytes(image + _draw(rng, -param.brightness_delta, param.brightness_delta))


def _contrast(image: Array, param: Any, rng: Rng) -> Array:
    if _draw(rng, 0, 1) >= param.contrast_prob:
        return image
    return _bytes(image * _draw(rng, param.contrast_lower, param.contrast_upper))


def _saturation(image: Array, param: Any, rng: Rng) -> Array:
    if _draw(rng, 0, 1) >= param.saturation_prob:
        return image
    hsv = to_hsv(image)
    hsv[1] = _bytes(hsv[1] * _draw(rng, param.saturation_lower, param.saturation_upper))
    return from_hsv(hsv)


def _hue(image: Array, param: Any, rng: Rng) -> Array:
    if _draw(rng, 0, 1) >= param.hue_prob:
        return image
    hsv = to_hsv(image)
    hsv[0] = _bytes(hsv[0] + _draw(rng, -param.hue_delta, param.hue_delta))
    return from_hsv(hsv)


def _draw(rng: Rng, low: float, high: float) -> np.float32:
    return np.float32(rng.uniform(low, high, 1)[0])


def _bytes(values: Array) -> Array:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
