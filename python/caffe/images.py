"""Images as pycaffe has them: float32, (height, width, channels), RGB, from 0 to 1. See ``caffe.io``."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from typing import IO, Any
from urllib.request import urlopen

import numpy as np

from caffe_lite.optional import need
from caffe_lite.sources.resampling import resample, zoom

Array = np.ndarray[Any, Any]

_URL = re.compile(r"(https?|ftp|file)://")
_LUMINANCE = 0.2125, 0.7154, 0.0721  # of red, green and blue, as in scikit-image's rgb2gray


def load_image(filename: str | os.PathLike[str] | IO[bytes], color: bool = True) -> Array:
    """The image of a file, a URL or a file object.

    Args:
        color: True for three channels, which a grey image has all the same; False for one, the luminance.

    Returns:
        float32, (height, width, 3) or (height, width, 1), from 0 to 1. Opacity is dropped, of an animation the first
        picture is taken, and an EXIF orientation is left to others, as in Caffe.

    Raises:
        OSError: there is no such file, or it is no image.
        DependencyError: Pillow is not installed.
    """
    need("PIL", "images", "reading images")
    from PIL import Image

    if isinstance(filename, str) and _URL.match(filename):
        with urlopen(filename) as answer:
            filename = io.BytesIO(answer.read())
    with Image.open(filename) as image:
        pixels = _unit_interval(image)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3 if color else 1, axis=2)
    elif color:
        pixels = pixels[:, :, :3]
    else:
        pixels = pixels[:, :, :3] @ np.array(_LUMINANCE)[:, None]
    return pixels.astype(np.float32)


def _unit_interval(image: Any) -> Array:
    """float64 from 0 to 1, of the shape (height, width) or (height, width, channels)."""
    if image.mode in ("1", "L"):
        mode = "L"
    elif image.mode.startswith(("I", "F")):
        mode = ""
    elif image.mode == "P":
        image, mode = image.convert(), ""  # to what its palette holds: mode L, RGB or RGBA
    else:
        mode = "RGB"
    pixels = np.asarray(image.convert(mode) if mode else image)
    if pixels.dtype == np.uint8:
        scale = 255
    elif image.mode.startswith("I"):
        scale = 65535  # a grey image of 16 bits, which Pillow may hold in 32
    else:
        scale = 1
    return pixels / np.float64(scale)


def resize_image(im: Array, new_dims: Sequence[int], interp_order: int = 1) -> Array:
    """The image in another size.

    With 1 or 3 channels pixels count as little squares and what is around the image as its smallest value; with
    any other number pixels count as points, the outermost of which stay where they are. Nothing is smoothed before
    shrinking. These are the rules of scikit-image's ``resize`` and of scipy's ``zoom`` as Caffe called them.

    Args:
        im: (height, width, channels).
        new_dims: height and width.
        interp_order: 0 for the nearest pixel, 1 for linear interpolation, up to 5 for smoother ones.

    Returns:
        float32, (new height, new width, channels).

    Raises:
        ValueError: the image has no three axes, or the interpolation no such order.
        DependencyError: for orders above 1, where scipy is needed and not installed.
    """
    if im.ndim != 3 or not im.size:
        raise ValueError(f"expected an image of height, width and channels, found an array of shape {im.shape}")
    if interp_order not in range(6):
        raise ValueError(f"interp_order is one of 0 to 5; found {interp_order}")
    height, width = (int(size) for size in new_dims)
    if im.shape[2] not in (1, 3):
        return _as(im.dtype, zoom(im, height, width, interp_order)).astype(np.float32)
    low, high = im.min(), im.max()
    if not high > low:
        return np.full((height, width, im.shape[2]), low, np.float32)
    unit = resample((im - low) / (high - low), height, width, interp_order).clip(0, 1)
    return (unit * (high - low) + low).astype(np.float32)


def _as(dtype: Any, values: Array) -> Array:
    """Rounded to whole numbers, halves away from zero, where these are of such a type."""
    return np.trunc(values + np.copysign(0.5, values)) if np.issubdtype(dtype, np.integer) else values


def oversample(images: Sequence[Array] | Array, crop_dims: Sequence[int] | Array) -> Array:
    """Of each image the four corners and the centre, then these five mirrored.

    Args:
        images: n of one size, each (height, width, channels).
        crop_dims: height and width of the crops.

    Returns:
        float32, (10 n, crop height, crop width, channels).

    Raises:
        ValueError: the images are smaller than the crops.
    """
    height, width, channels = images[0].shape
    crop_height, crop_width = (int(size) for size in crop_dims)
    bottom, right = height - crop_height, width - crop_width
    if bottom < 0 or right < 0:
        raise ValueError(f"no crop of {crop_height} x {crop_width} fits into images of {height} x {width}")
    centre = int(height / 2.0 - crop_height / 2.0), int(width / 2.0 - crop_width / 2.0)
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), centre]
    crops = np.empty((len(images), 2, 5, crop_height, crop_width, channels), np.float32)
    for image, mine in zip(images, crops, strict=True):
        for crop, (top, left) in zip(mine[0], places, strict=True):
            crop[...] = image[top : top + crop_height, left : left + crop_width]
        mine[1] = mine[0, :, :, ::-1]
    return crops.reshape(-1, crop_height, crop_width, channels)
