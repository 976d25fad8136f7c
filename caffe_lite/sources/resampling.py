"""Float images in another size, by the rules of the two libraries that pycaffe resizes with.

Both compute in float64 and do not smooth before shrinking, as they did not when Caffe was written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.optional import need

Array = np.ndarray[Any, Any]
Taps = tuple[Array, Array]
"""Along one axis, of shape (new, taps): which old pixels make each new one, and by which weights."""


def resample(image: Array, height: int, width: int, order: int = 1) -> Array:
    """The image (height, width, channels) with pixels as little squares, black all around.

    New pixel i is at (i + 1/2) old / new - 1/2. Source: scikit-image's ``transform.resize`` with
    ``mode="constant"`` and ``anti_aliasing=False``.

    Args:
        order: 0 for the nearest pixel, 1 for linear interpolation, 3 for cubic convolution (a = -1/2); splines of
            order 2, 4 and 5 are scipy's.

    Raises:
        DependencyError: such a spline is asked for and scipy is not installed.
    """
    if order not in (0, 1, 3):
        return _spline(image, height, width, order, mode="grid-constant", grid_mode=True)
    rows, columns = (_taps((np.arange(new) + 0.5) * (old / new) - 0.5, old, order)
                     for old, new in zip(image.shape, (height, width), strict=False))
    return _weigh(_weigh(image, columns, 1), rows, 0)


def zoom(image: Array, height: int, width: int, order: int = 1) -> Array:
    """The image (height, width, channels) with pixels as points, the outermost staying where they are.

    New pixel i is at i (old - 1) / (new - 1). Source: scipy's ``ndimage.zoom``.

    Args:
        order: 0 for the nearest pixel, 1 for linear interpolation; splines of order 2 to 5 are scipy's.

    Raises:
        DependencyError: such a spline is asked for and scipy is not installed.
    """
    if order not in (0, 1):
        return _spline(image, height, width, order)
    rows, columns = (_taps(np.minimum(np.arange(new) * ((old - 1) / max(new - 1, 1)), old - 1), old, order)
                     for old, new in zip(image.shape, (height, width), strict=False))
    return _weigh(_weigh(image, rows, 0), columns, 1)


def _taps(at: Array, old: int, order: int) -> Taps:
    """For places on an axis of ``old`` pixels; what is beside it weighs nothing."""
    if order == 0:
        first, weights = np.floor(at + 0.5), np.ones((len(at), 1))
    elif order == 1:
        first = np.floor(at)
        weights = np.stack([1 - (at - first), at - first], axis=1)
    else:
        first = np.floor(at) - 1
        weights = _cubic(np.abs(first[:, None] + np.arange(4) - at[:, None]))
    index = first.astype(np.int64)[:, None] + np.arange(weights.shape[1])
    return index.clip(0, old - 1), np.where((index >= 0) & (index < old), weights, 0)


def _cubic(t: Array) -> Array:
    """The cubic convolution of Keys, "Cubic convolution interpolation", 1981, with a = -1/2."""
    return np.where(t <= 1, (1.5 * t - 2.5) * t * t + 1, np.where(t < 2, ((2.5 - 0.5 * t) * t - 4) * t + 2, 0))


def _weigh(image: Array, taps: Taps, axis: int) -> Array:
    along = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    index, weights = taps
    pieces = (image.take(i, axis) * w.reshape(along) for i, w in zip(index.T, weights.T, strict=True))
    return np.asarray(sum(pieces))


def _spline(image: Array, height: int, width: int, order: int, **rule: Any) -> Array:
    scipy = need("scipy.ndimage", "notebook", f"interpolation of order {order}")
    factors = height / image.shape[0], width / image.shape[1], 1
    return np.asarray(scipy.zoom(image.astype(np.float64), factors, order=order, **rule))
