"""What a file of weights has for the layers of a net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite.schema import blob_shape
from caffe_lite.snapshot.weights import read_weights
from caffe_lite.summary.rows import Row


def add_weights(rows: Sequence[Row], plan: Any, path: str) -> list[str]:
    """Say in each row whether the file has the layer's weights; returns the names of layers that only the file has.

    Raises:
        SnapshotError: the file is missing or broken.
    """
    found = {layer.name: [blob_shape(blob) for blob in layer.blobs] for layer in read_weights(path).layer}
    mine = {layer.name: [blob.shape for blob in layer.blobs] for layer in plan.layers}
    for row in rows:
        shapes = mine.get(row.name)
        if shapes:
            row.weights = _compared(shapes, found.get(row.name))
    return [name for name, shapes in found.items() if shapes and name not in mine]


def _compared(mine: Sequence[tuple[int, ...]], theirs: Sequence[tuple[int, ...]] | None) -> str:
    if not theirs:
        return "missing"
    if [_squeezed(shape) for shape in mine] == [_squeezed(shape) for shape in theirs]:
        return "found"
    return "other shapes: " + ", ".join("x".join(map(str, shape)) for shape in theirs)


def _squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    """Without the ones in front that blobs of 2014 have."""
    sizes = list(shape)
    while sizes and sizes[0] == 1:
        del sizes[0]
    return tuple(sizes)
