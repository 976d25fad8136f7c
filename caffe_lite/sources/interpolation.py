"""OpenCV's ways to resize an image, beside the bilinear one of ``images``: nearest, area, cubic and Lanczos.

Pixels differ from OpenCV's by at most 1, which computes the last three partly in fixed point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_lite.kernels.weighted_resize import resize_weighted
from caffe_lite.schema import ResizeParameter
from caffe_lite.sources.images import check_pixels, resize_image

Array = np.ndarray[Any, Any]
Weights = tuple[Array, Array]
"""For each new pixel the first old one that counts, and the weights of it and of those after it."""


def resize(image: Array, height: int, width: int, mode: int) -> Array:
    """The image, uint8 (channels, height, width), in another size.

    Args:
        mode: a ``ResizeParameter.Interp_mode``.
    """
    check_pixels(height, width)
    _, rows, columns = image.shape
    if (rows, columns) == (height, width):
        return image
    if mode == ResizeParameter.LINEAR:
        return resize_image(np.ascontiguousarray(image), height, width)
    if mode == ResizeParameter.NEAREST:
        return image[:, _nearest(rows, height)[:, None], _nearest(columns, width)]
    out, lines = np.empty((len(image), height, width), np.uint8), np.empty((rows, width), np.float32)
    if mode == ResizeParameter.AREA:
        shrinks = rows >= height and columns >= width
        y, x = (_area(n, m) if shrinks else _stretched(n, m) for n, m in ((rows, height), (columns, width)))
    else:
        taps, kernel = (4, _cubic) if mode == ResizeParameter.CUBIC else (8, _lanczos)
        y, x = (_sampled(n, m, taps, kernel) for n, m in ((rows, height), (columns, width)))
    resize_weighted(np.ascontiguousarray(image), *x, *y, lines, out)
    return out


def _nearest(old: int, new: int) -> Array:
    return np.minimum(np.floor(np.arange(new) * (old / new)).astype(np.int64), old - 1)


def _sampled(old: int, new: int, taps: int, kernel: Callable[[Array], Array]) -> Weights:
    """Each new pixel from the ``taps`` old ones around its centre, by a function of their distances."""
    at = (np.arange(new) + 0.5) * (old / new) - 0.5
    first = np.floor(at).astype(np.int64) - (taps // 2 - 1)
    weights = kernel(np.abs(first[:, None] + np.arange(taps) - at[:, None]))
    return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _cubic(t: Array) -> Array:
    """The cubic convolution of Keys, "Cubic convolution interpolation", 1981, with a = -3/4."""
    a = -0.75
    near, far = ((a + 2) * t - (a + 3)) * t * t + 1, ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def _lanczos(t: Array) -> Array:
    return np.where(t < 4, np.sinc(t) * np.sinc(t / 4), 0)


def _area(old: int, new: int) -> Weights:
    """Each new pixel is the mean of the stretch of old ones that it covers."""
    begin = np.arange(new) * (old / new)
    end = np.minimum((np.arange(new) + 1) * (old / new), old)
    first = np.floor(begin + 1e-9).astype(np.int64)
    taps = int((np.ceil(end - 1e-9) - first).max())
    edges = first[:, None] + np.arange(taps + 1)
    covered = np.diff(np.clip(edges, begin[:, None], end[:, None]), axis=1)
    return first, (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


def _stretched(old: int, new: int) -> Weights:
    """Old pixels as blocks, with a bilinear step only where two of them meet."""
    index = np.arange(new)
    first = np.floor(index * (old / new)).astype(np.int64)
    part = (index + 1) - (first + 1) * (new / old)
    part = np.where(part <= 0, 0, part - np.floor(part))
    return first, np.stack([1 - part, part], axis=1).astype(np.float32)
