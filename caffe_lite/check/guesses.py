"""Shapes for blobs whose shape nobody knows, such as those of data that are not there yet.

A net is set up once for each guess: what is wrong for all of them, in the same words, is wrong whatever the shape.
"""

from __future__ import annotations

from typing import Any

Shape = tuple[int, ...]

_ANY: tuple[Shape, ...] = ((2, 3, 224, 224), (6, 8, 61, 67), (8, 12), (9,), (4, 5, 3))
_IMAGES = ((3, 224, 224), (1, 28, 28), (3, 61, 67), (1, 32, 32), (3, 300, 321))
_ROWS: tuple[Shape, ...] = ((3, 224, 224), (12,), (), (1, 28, 28), (5, 3))
COUNT = len(_ANY)
"""How many guesses there are."""

_BATCHES = {"Data": "data_param", "AnnotatedData": "data_param", "ImageData": "image_data_param",
            "HDF5Data": "hdf5_data_param", "WindowData": "window_data_param"}
UNKNOWN = "?"
"""The type of a layer that stands for one that cannot be understood."""
DATA = frozenset(_BATCHES)
"""The layers that read data whose shape the prototxt does not say."""


def guess(param: Any, which: int) -> list[Shape]:
    """Guess number ``which`` for the tops of a layer; what the prototxt says of them is kept."""
    tops = len(param.top)
    if param.type not in DATA:
        return [_ANY[which]] * tops
    batch = max(1, getattr(param, _BATCHES[param.type]).batch_size)
    if param.type == "HDF5Data":
        return [(batch, *_ROWS[(which + i) % COUNT]) for i in range(tops)]
    channels, height, width = _IMAGES[which]
    transform = param.transform_param
    if len(transform.mean_value) > 1:
        channels = len(transform.mean_value)
    if transform.crop_size:
        height = width = transform.crop_size
    label: Shape = (1, 1, 3 + which, 8) if param.type == "AnnotatedData" else (batch,)
    shapes: list[Shape] = [(batch, channels, height, width), *[label] * (tops - 1)]
    return shapes[:tops]
