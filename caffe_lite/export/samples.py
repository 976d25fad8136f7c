"""Random values for a net's inputs, such as its layers take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.net import Net

PASSING = {"Flatten", "Permute", "Reshape", "Slice", "Split"}  # their tops have their bottom's values
Wish = Callable[[Blob, np.random.Generator, Any, Blob], Array]
"""Values for a blob, from the parameters and the first bottom of the layer that reads it."""


def draw_inputs(net: Net, rng: np.random.Generator) -> dict[str, Array]:
    """Fill the inputs; the values by blob.

    Normal noise, but indices, signs and regions where a layer reads such.
    """
    drawn: dict[str, Array] = {}
    for name in net.inputs:
        blob = net.blobs[name]
        values = _wished(net, name, rng)
        if values is None:
            values = rng.standard_normal(blob.shape)
        blob.data[...] = drawn[name] = np.asarray(values, np.float32).reshape(blob.shape)
    return drawn


def _wished(net: Net, name: str, rng: np.random.Generator) -> Array | None:
    """What the layers want that read the blob, or its values after they were moved; ``None``: anything."""
    carriers = {name}
    for layer, bottoms in zip(net.layers, net.bottoms, strict=True):
        for i, bottom in enumerate(layer.param.bottom):
            if bottom not in carriers:
                continue
            if layer.type in PASSING:
                carriers |= set(layer.param.top)
            wish = _WISHES.get((layer.type, i - len(bottoms) if layer.type == "Filter" else i))
            if wish is not None:
                return wish(net.blobs[name], rng, layer.param, bottoms[0])
    return None


def _signs(blob: Blob, rng: np.random.Generator, param: Any, first: Blob) -> Array:
    """Zeros and ones."""
    return rng.integers(0, 2, blob.shape)


def _words(blob: Blob, rng: np.random.Generator, param: Any, first: Blob) -> Array:
    return rng.integers(0, param.embed_param.input_dim, blob.shape)


def _items(blob: Blob, rng: np.random.Generator, param: Any, first: Blob) -> Array:
    return rng.integers(0, first.shape[0], blob.shape)


def _regions(blob: Blob, rng: np.random.Generator, param: Any, first: Blob) -> Array:
    """Rows of an image's number and two corners of a box in it."""
    height, width = (size / param.roi_pooling_param.spatial_scale for size in first.shape[2:])
    count = blob.shape[0]
    x, y = (np.sort(rng.uniform(0, size, (count, 2))) for size in (width, height))
    return np.column_stack([rng.integers(0, first.shape[0], count), x[:, 0], y[:, 0], x[:, 1], y[:, 1]])


_WISHES: dict[tuple[str, int], Wish] = {
    ("BatchReindex", 1): _items,
    ("Embed", 0): _words,
    ("Filter", -1): _signs,
    ("LSTM", 1): _signs,
    ("LSTMUnit", 2): _signs,
    ("RNN", 1): _signs,
    ("ROIPooling", 1): _regions,
}
