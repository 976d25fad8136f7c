"""Caffe's data transformation for a batch: crop, mirror, subtract the mean, scale."""

from __future__ import annotations

from typing import Any

from numba import njit

from caffe_lite.kernels.datum import CHANNELS, FLOATS, HEIGHT, WIDTH

Array = Any


@njit(cache=True, nogil=True)
def first_misfit(fields: Array, sizes: Array, channels: int, height: int, width: int, crop: bool) -> int:
    """The first datum that does not have ``channels`` channels of ``height`` times ``width`` (at least that
    when there is a crop), or fewer values (``sizes``) than its shape says; -1 when all fit."""
    for i in range(len(fields)):
        c, h, w = fields[i, CHANNELS], fields[i, HEIGHT], fields[i, WIDTH]
        if c != channels or h < height or w < width or sizes[i] // (c * h) < w:  # c * h * w may be beyond 64 bits
            return i
        if not crop and (h != height or w != width):
            return i
    return -1


@njit(cache=True, nogil=True)
def transform(
    source: Array, begins: Array, floats: bool, fields: Array, words: Array, mirror: bool, random_crop: bool,
    mean_values: Array, mean_image: Array, scale: Any, out: Array,
) -> None:  # fmt: skip
    """``out[i, c, y, x] = (source[...] - mean) * scale`` for those items that are ``floats`` or are not.

    Args:
        source: values, uint8 or float32; item i begins at ``begins[i]``, its shape is in ``fields[i]``.
        words: ``(items, draws)`` random words: one for ``mirror``, then two for ``random_crop``.
        mean_values: one a channel.
        mean_image: of the size of the uncropped items, flat; empty when ``mean_values`` count instead.
        out: ``(items, channels, height, width)``, of the type of the means and the scale.
    """
    items, channels, height, width = out.shape
    flat = out.reshape(-1)
    for i in range(items):
        if (fields[i, FLOATS] > 0) != floats:
            continue
        item_height, item_width = fields[i, HEIGHT], fields[i, WIDTH]
        top, left = (item_height - height) // 2, (item_width - width) // 2
        if random_crop:
            k = 1 if mirror else 0
            top = words[i, k] % (item_height - height + 1)
            left = words[i, k + 1] % (item_width - width + 1)
        mirrored = mirror and words[i, 0] % 2 == 1
        # Whole rows lie one after the other, and are done as one.
        lines, length = (1, height * width) if width == item_width and not mirrored else (height, width)
        for c in range(channels):
            for y in range(lines):
                at = (c * item_height + top + y) * item_width + left
                begin, done = begins[i] + at, ((i * channels + c) * lines + y) * length
                row, to = source[begin : begin + length], flat[done : done + length]
                if len(mean_image) == 0:
                    mean = mean_values[c]
                    for x in range(length):
                        to[x] = (row[x] - mean) * scale
                else:
                    means = mean_image[at : at + length]
                    for x in range(length):
                        to[x] = (row[x] - means[x]) * scale
                if mirrored:
                    for x in range(width // 2):
                        last = width - 1 - x
                        to[x], to[last] = to[last], to[x]
