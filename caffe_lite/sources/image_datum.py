"""An image file as the Datum that a database of images holds: its pixels, or the file as it is encoded."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import FlagError
from caffe_lite.files import read_whole
from caffe_lite.optional import need
from caffe_lite.sources.images import FORMATS, read_image

Array = np.ndarray[Any, Any]

_OPTIONS: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}
"""How Pillow gets to what OpenCV writes when it is told nothing; other formats lose nothing."""


def image_datum(path: str, label: int, height: int = 0, width: int = 0, color: bool = True,
                encoding: str = "") -> tuple[Any, int]:
    """The Datum of an image file, and how many values the image has.

    Args:
        height, width: what to resize to; unless both are given, as it is.
        encoding: such as ``png``; without one the pixels are stored. A file of that very kind, not resized,
            is stored as it is.

    Source: ``ReadImageToDatum`` in Caffe's util/io.cpp.

    Raises:
        DataError: there is no such file, or it is no image.
        FlagError: nobody knows how to encode so.
        DependencyError: Pillow is not installed.
    """
    image = read_image(path, color, height, width)
    if not encoding:
        channels, rows, columns = image.shape
        datum = schema.Datum(channels=channels, height=rows, width=columns, data=image.tobytes(), label=label,
                             encoded=False)
    else:
        kept = not height and not width and _is_encoded_so(path, encoding)
        data = read_whole(path) if kept else encode_image(image, encoding)
        datum = schema.Datum(data=data, label=label, encoded=True)
    return datum, image.size


def encode_image(image: Array, encoding: str) -> bytes:
    """The bytes of an image file.

    Args:
        image: uint8, (channels, height, width), one channel or blue, green and red.
        encoding: a file name's ending, such as ``png``.

    Raises:
        FlagError, DependencyError: as ``encoder`` does.
    """
    kind = encoder(encoding)
    from PIL import Image

    planes = image[0] if len(image) == 1 else image[::-1].transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(planes)).save(file, kind, **_OPTIONS.get(kind, {}))
    return file.getvalue()


def encoder(encoding: str) -> str:
    """Pillow's name for what files with this ending hold.

    Raises:
        FlagError: Pillow does not write such files, or cannot read them back.
        DependencyError: Pillow is not installed.
    """
    need("PIL", "images", "encoding images")
    from PIL import Image

    kind = Image.registered_extensions().get(f".{encoding.lower()}", "")
    if kind not in Image.SAVE or kind not in FORMATS:
        raise FlagError(f"images cannot be encoded as {encoding!r}; give an --encode_type such as png or jpg")
    return kind


def ending(path: str) -> str:
    """What comes after the last dot, in small letters; without a dot all of it."""
    return path.rpartition(".")[2].lower()


def _is_encoded_so(path: str, encoding: str) -> bool:
    return ending(path) == encoding.lower() or (ending(path), encoding.lower()) == ("jpeg", "jpg")
