"""Image files as arrays: uint8, (channels, height, width), the channels blue, green, red, as OpenCV gives them to
Caffe."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.files import read_whole
from caffe_lite.kernels import resize as kernel
from caffe_lite.optional import need

Array = np.ndarray[Any, Any]

WEIGHT_ONE = 2048
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "SUN", "TIFF", "WEBP")
"""What OpenCV reads too. Pillow knows others, for some of which it starts other programs."""
MOST_PIXELS = 1 << 27
"""Of an image, 400 MB in colour; OpenCV takes 2^30."""
_MOST_SCANS = 500  # of a JPEG: each is a pass over the whole image and may be a few bytes
_SCAN = b"\xff\xda"
_MOST_RUN_PIXELS = 1 << 24  # of a BMP in runs, two bytes of which may be any long line: Pillow goes along it


def read_image(path: str, color: bool = True, height: int = 0, width: int = 0) -> Array:
    """The image of a file, in colour (3 channels) or grey (1), resized where a height and a width are given.

    Raises:
        DataError: there is no such file, or it is no image.
        DependencyError: Pillow is not installed.
    """
    try:
        data = read_whole(path)
    except OSError as error:
        raise DataError(f"Could not open or find file {path}: {error.strerror}") from None
    image = decode_image(data, color, path)
    return resize_image(image, height, width) if height and width else image


def decode_image(data: bytes | memoryview, color: bool | None, where: str) -> Array:
    """The image in the bytes of a JPEG, PNG or other file.

    Args:
        color: True for three channels, False for one, None for as many as the file has: one, three, or four with
            the opacity last.
        where: the file or record, for messages.

    An image that is to be turned (EXIF) is turned, save with None; transparency is dropped, save with None.
    Source: OpenCV's ``imdecode`` with the flags 1, 0 and -1.

    Raises:
        DataError: this is no image, a broken one, one of more than ``MOST_PIXELS``, or with None one of more than 8
            bits.
        DependencyError: Pillow is not installed.
    """
    need("PIL", "images", "reading images")
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image, data, where)
            if color is False and image.format == "JPEG":
                image.draft("L", None)  # the luminance, as it is in the file
            if color is None:
                return _native(image, where)
            pixels = _eight_bits(ImageOps.exif_transpose(image))
            return _planes(pixels, image.format, color)
    except UnidentifiedImageError:
        raise DataError(f"Could not load {where}: it is no image, or none of a kind that Pillow reads") from None
    except CaffeError:
        raise
    except Exception as error:  # each of Pillow's formats has its own for broken files
        raise DataError(f"Could not load {where}: {error or type(error).__name__}") from error


def check_pixels(height: int, width: int) -> None:
    """Raise ``DataError`` for the size of an image that nobody can mean."""
    if height * width > MOST_PIXELS:
        raise DataError(f"an image cannot be resized to {height} x {width} (height x width): {MOST_PIXELS} pixels are "
                        "the most")


def resize_image(image: Array, height: int, width: int) -> Array:
    """The image in another size, as ``cv::resize`` with ``INTER_LINEAR`` gives it.

    Raises:
        DataError: this size has more than ``MOST_PIXELS``.
    """
    channels, rows, columns = image.shape
    check_pixels(height, width)
    if (rows, columns) == (height, width):
        return image
    out = np.empty((channels, height, width), np.uint8)
    if (rows, columns) == (2 * height, 2 * width):
        kernel.halve(image, out)
        return out
    x, x_weights = _neighbours(columns, width)
    inside = (x >= 0) & (x < columns - 1)
    x_weights[~inside] = WEIGHT_ONE, 0  # beside the border the pixel at it counts alone; above and below, doubly
    y, y_weights = _neighbours(rows, height)
    lines = np.empty((2, width), np.int64)
    kernel.resize_bilinear(image, x.clip(0, columns - 1), x_weights, y, y_weights, lines, out)
    return out


def _check_size(image: Any, data: bytes | memoryview, where: str) -> None:
    """Raise ``DataError`` where an image, of which only the head has been read, would take too much to decode."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise DataError(f"Could not load {where}: it says that it has {width} x {height} pixels, and {MOST_PIXELS} are "
                        "the most; resize it")
    if image.format == "JPEG" and bytes(data).count(_SCAN) > _MOST_SCANS:
        raise DataError(f"Could not load {where}: a JPEG in more than {_MOST_SCANS} scans; save it anew")
    if image.tile and image.tile[0][0] == "bmp_rle" and width * height > _MOST_RUN_PIXELS:
        raise DataError(f"Could not load {where}: a BMP of more than {_MOST_RUN_PIXELS} pixels in runs; save it "
                        "without compression, or as PNG")


def _neighbours(old: int, new: int) -> tuple[Array, Array]:
    """For each new pixel the old one before it and the weights of that and the next, in float32 as in OpenCV."""
    at = ((np.arange(new) + 0.5) * (1.0 / (new / old)) - 0.5).astype(np.float32)
    before = np.floor(at)
    part = at - before
    weights = np.stack([np.float32(1) - part, part], axis=1) * np.float32(WEIGHT_ONE)
    return before.astype(np.int64), np.rint(weights).astype(np.int64)


def _eight_bits(image: Any) -> Any:
    """An image of 16 bits by its upper eight; others as they are."""
    if not image.mode.startswith("I"):
        return image
    from PIL import Image

    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def _native(image: Any, where: str) -> Array:
    if image.mode.startswith(("I", "F")):
        raise DataError(f"{where}: Image data type must be unsigned byte, found a pixel format of {image.mode}")
    if image.has_transparency_data:
        red, green, blue, opacity = np.asarray(image.convert("RGBA")).transpose(2, 0, 1)
        return np.stack([blue, green, red, opacity])
    return _planes(image, image.format, image.mode not in ("1", "L"))


def _planes(image: Any, file_format: str | None, color: bool) -> Array:
    if image.mode in ("1", "L", "LA"):
        grey = np.asarray(image.convert("L"))[None]
        return np.repeat(grey, 3, axis=0) if color else np.ascontiguousarray(grey)
    if image.mode == "CMYK":  # of a photographer's JPEG; Pillow has turned the inks over
        *inks, black = 255 - np.asarray(image).transpose(2, 0, 1).astype(np.int64)
        channels = [black - ((255 - ink) * black >> 8) for ink in inks]
    else:
        channels = list(np.asarray(image.convert("RGB")).transpose(2, 0, 1))
    if color:
        return np.stack(channels[::-1]).astype(np.uint8, copy=False)
    return _grey(channels, file_format)[None]


def _grey(channels: list[Array], file_format: str | None) -> Array:
    """The luminance 0.299 R + 0.587 G + 0.114 B: of a PNG as libpng rounds it, of others as OpenCV does."""
    red, green, blue = (channel.astype(np.int32) for channel in channels)
    if file_format == "PNG":
        return ((9797 * red + 19234 * green + 3737 * blue) >> 15).astype(np.uint8)
    return ((4899 * red + 9617 * green + 1868 * blue + 8192) >> 14).astype(np.uint8)
