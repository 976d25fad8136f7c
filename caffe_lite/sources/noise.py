"""SSD's noise_param: what an image is spoilt with."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from caffe_lite.errors import ParameterError
from caffe_lite.optional import need
from caffe_lite.rng import Rng
from caffe_lite.sources.colors import to_hsv
from caffe_lite.sources.images import decode_image

Array = np.ndarray[Any, Any]

MISSING = ("gauss_blur", "hist_eq", "clahe", "erode", "convert_to_lab")
STEP = 64  # between the levels of a poster


def check_noise(param: Any) -> None:
    """Raise ``ParameterError`` for a ``NoiseParameter`` that asks for what is not here."""
    asked = [name for name in MISSING if getattr(param, name)]
    if asked:
        raise ParameterError(f"noise_param {{ {' '.join(asked)} }} is not implemented; leave it out")


def add_noise(image: Array, param: Any, rng: Rng) -> Array:
    """The image, uint8 (channels, height, width), spoilt as a ``NoiseParameter`` says, always.

    Source: ``ApplyNoise`` in SSD's im_transforms.cpp, which does not look at ``prob`` either.
    """
    if param.decolorize and len(image) == 3:
        blue, green, red = image.astype(np.int64)
        image = np.broadcast_to((1868 * blue + 9617 * green + 4899 * red + 8192 >> 14).astype(np.uint8), image.shape)
    if param.jpeg > 0:
        image = _as_jpeg(image, int(param.jpeg))
    if param.posterize:
        image = image // STEP * STEP + STEP // 2
    if param.inverse:
        image = 255 - image
    if param.saltpepper:
        image = _sprinkled(image, param.saltpepper_param, rng)
    return to_hsv(image) if param.convert_to_hsv and len(image) == 3 else image


def _as_jpeg(image: Array, quality: int) -> Array:
    need("PIL", "images", "writing images")
    from PIL import Image

    file, pixels = io.BytesIO(), np.moveaxis(image[::-1], 0, -1) if len(image) == 3 else image[0]
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=quality)
    return decode_image(file.getvalue(), len(image) == 3, "noise_param")


def _sprinkled(image: Array, param: Any, rng: Rng) -> Array:
    channels, height, width = image.shape
    if len(param.value) not in (1, channels):
        raise ParameterError(f"saltpepper_param: specify either 1 value or as many as channels: {channels}; found "
                             f"{len(param.value)}")
    image, values = image.copy(), np.array(param.value, np.uint8)
    for _ in range(int(param.fraction * width * height)):
        x, y = rng.rand() % width, rng.rand() % height
        image[:, y, x] = values
    return image
