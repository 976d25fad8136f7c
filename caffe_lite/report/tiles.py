"""Many small pictures as one."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np

from caffe_lite.blob import Array


def tile(pictures: Array, columns: int = 0, gap: int = 1, fill: float = np.nan) -> Array:
    """Pictures of one size side by side, in rows.

    Args:
        pictures: shape (count, height, width) or (count, height, width, channels).
        columns: how many in a row; by default such that the whole is about as wide as half again its height.
        gap: pixels between two.
        fill: what stands there.

    Returns:
        Shape (rows * (height + gap) - gap, columns * (width + gap) - gap) and the channels.
    """
    count, height, width, *channels = pictures.shape
    columns = min(columns or ceil(sqrt(1.5 * count * height / width)), count)
    rows = -(-count // columns)
    sheet = np.full((rows * columns, height + gap, width + gap, *channels), fill, np.result_type(pictures, np.float32))
    sheet[:count, :height, :width] = pictures
    sheet = sheet.reshape(rows, columns, height + gap, width + gap, *channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * (height + gap), columns * (width + gap), *channels)
    return sheet[: sheet.shape[0] - gap, : sheet.shape[1] - gap]


def colored(filters: Array) -> Array:
    """Filters that look at blue, green and red as pictures, middle grey where they are zero.

    Args:
        filters: shape (count, 3, height, width).

    Returns:
        Shape (count, height, width, 3), from 0 to 1, red first.
    """
    return 0.5 + filters[:, ::-1].transpose(0, 2, 3, 1) / (2 * largest(filters))


def largest(values: Array) -> float:
    """The largest absolute value, 1 where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.abs(finite).max(initial=0)) or 1.0
