"""SSD's resize_param: an image, and its objects, in the size that a net wants. Source: SSD's im_transforms.cpp."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np

from caffe_lite.errors import ParameterError
from caffe_lite.rng import Rng
from caffe_lite.schema import ResizeParameter
from caffe_lite.sources.annotated import BOX, Annotated
from caffe_lite.sources.images import check_pixels
from caffe_lite.sources.interpolation import resize

Array = np.ndarray[Any, Any]


def check_resize(param: Any) -> None:
    """Raise ``ParameterError`` unless a ``ResizeParameter`` has a size."""
    if not param.height or not param.width:
        raise ParameterError(f"resize_param needs a height and a width, found {param.height} and {param.width}")


def new_size(param: Any, height: int, width: int) -> tuple[int, int]:
    """The height and width of what an image of this size becomes."""
    if param.resize_mode == ResizeParameter.FIT_SMALL_SIZE:
        return _fitted(param, height, width, inside=False)
    return param.height, param.width


def apply_resize(item: Annotated, param: Any, rng: Rng) -> Annotated:
    """The image resized, by an interpolation drawn from those that ``param`` names, and with it its objects."""
    _, old_height, old_width = item.image.shape
    mode = _draw_mode(param, rng)
    pads = param.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD
    size = _fitted(param, old_height, old_width, inside=True) if pads else new_size(param, old_height, old_width)
    image, objects = resize(item.image, *size, mode), item.objects.copy()
    boxes = np.clip(objects[:, BOX], 0, 1)
    if pads:
        image = _padded(image, param)
        room = np.array([param.width, param.height], np.float32)
        aspect = old_width / old_height
        inside = np.minimum(room, [room[1] * aspect, room[0] / aspect]).astype(np.float32)
        boxes = boxes * np.tile(inside / room, 2) + np.tile((room - inside) / 2 / room, 2)
    objects[:, BOX] = boxes
    return replace(item, image=image, objects=objects)


def _fitted(param: Any, height: int, width: int, inside: bool) -> tuple[int, int]:
    """The size of this shape that just fits inside of the given one, or just covers it."""
    aspect, wanted = np.float32(width) / np.float32(height), np.float32(param.width) / np.float32(param.height)
    if aspect > wanted if inside else aspect < wanted:
        return max(1, int(np.float32(param.width) / aspect)), param.width
    return param.height, max(1, int(aspect * np.float32(param.height)))


def _draw_mode(param: Any, rng: Rng) -> int:
    modes = list(param.interp_mode)
    if not modes:
        return int(ResizeParameter.LINEAR)
    bounds = list(accumulate([np.float32(1) / np.float32(len(modes))] * len(modes)))
    at = bisect_left(bounds, np.float32(rng.uniform(0, float(bounds[-1]), 1)[0]))
    return modes[min(at, len(modes) - 1)]


def _padded(image: Array, param: Any) -> Array:
    check_pixels(param.height, param.width)
    channels, height, width = image.shape
    extra = param.height - height, param.width - width
    borders = [(n // 2, n - n // 2) for n in extra]
    if param.pad_mode == ResizeParameter.MIRRORED:
        return np.pad(image, [(0, 0), *borders], "reflect")
    if param.pad_mode == ResizeParameter.REPEAT_NEAREST:
        return np.pad(image, [(0, 0), *borders], "edge")
    if len(param.pad_value) not in (0, 1, channels):
        raise ParameterError(f"Specify either 1 pad_value or as many as channels: {channels}; found "
                             f"{len(param.pad_value)}")
    values = np.resize(np.array(param.pad_value or [0], np.float32), channels)
    out = np.empty((channels, param.height, param.width), np.uint8)
    out[...] = np.clip(np.rint(values), 0, 255)[:, None, None]
    (top, _), (left, _) = borders
    out[:, top : top + height, left : left + width] = image
    return out
