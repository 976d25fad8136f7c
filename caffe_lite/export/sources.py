"""Data layers turned into inputs, whose batch may be of any size."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from caffe_lite import schema
from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, ExportError
from caffe_lite.layers import layer_class
from caffe_lite.layers.base import Context
from caffe_lite.rng import Rng

Shapes = Mapping[str, Sequence[int]]


def replace_sources(net: Any, needed: Collection[str], shapes: Shapes,
                    named_by: str | os.PathLike[str] | None = None) -> None:
    """Put an Input layer in the place of every layer that reads data, and give the inputs the shapes that are given.

    Args:
        needed: the blobs that the net computes with; no others become inputs.

    Raises:
        ExportError: nobody knows the shape of an input, or ``shapes`` names none.
    """
    inputs = {top for layer in net.layer if not layer.bottom for top in layer.top}
    for name in shapes:
        if name not in inputs:
            raise ExportError(f"--shapes names {name!r}, which is no input; the inputs are {', '.join(sorted(inputs))}")
    for layer in net.layer:
        if layer.bottom or layer.type == "Parameter" or _is_constant(layer):
            continue
        sizes = _sizes(layer, shapes, named_by)
        tops = [top for top in layer.top if top in needed]
        layer.CopyFrom(schema.LayerParameter(name=layer.name, type="Input", top=tops))
        for top in tops:
            layer.input_param.shape.add().dim.extend(sizes[top])


def with_batch(net: Any, batch: int) -> Any:
    """The net with another size of its batch: of axis 0 of the first input, and of those that have the same."""
    changed = type(net).FromString(net.SerializeToString())
    shapes = _input_shapes(changed)
    old = batch_of(net)
    for shape in shapes:
        if shape.dim and shape.dim[0] == old:
            shape.dim[0] = batch
    return changed


def batch_of(net: Any) -> int:
    """The size of the batch; 1 without inputs."""
    return next((shape.dim[0] for shape in _input_shapes(net) if shape.dim), 1)


def _input_shapes(net: Any) -> list[Any]:
    return [shape for layer in net.layer if layer.type == "Input" for shape in layer.input_param.shape]


def _is_constant(layer: Any) -> bool:
    fillers = layer.dummy_data_param.data_filler
    return layer.type == "DummyData" and all(filler.type == "constant" for filler in fillers)


def _sizes(layer: Any, given: Shapes, named_by: str | os.PathLike[str] | None) -> dict[str, tuple[int, ...]]:
    """The shapes of a source's tops: as given, or else as the layer itself has them."""
    first, *others = layer.top
    if layer.type != "Input" and first in given:  # what follows the images of a batch is a label for each
        given = dict.fromkeys(others, ()) | dict(given)
    if all(name in given for name in layer.top):
        batch = _batch_size(layer)
        return {name: (batch, *given[name]) for name in layer.top}
    try:
        own = _built_shapes(layer, named_by)
    except (CaffeError, OSError) as error:
        raise ExportError(f"the shape of {first!r} is not known, as its data cannot be read: {error}; give it without "
                          f"the batch: --shapes={first}:3x227x227") from None
    for name, shape in own.items():
        if not shape:
            raise ExportError(f"input {name!r} of layer {layer.name!r} has no shape; give it without the batch: "
                              f"--shapes={name}:3x227x227")
    return {name: (shape[0], *given[name]) if name in given else shape for name, shape in own.items()}


def _batch_size(layer: Any) -> int:
    """What the layer's parameters say, 1 if they do not."""
    if layer.type == "Input":
        return next((shape.dim[0] for shape in layer.input_param.shape if shape.dim), 1)
    parts = [value for field, value in layer.ListFields() if field.name.endswith("data_param")]
    return next((part.batch_size for part in parts if getattr(part, "batch_size", 0)), 1)


def _built_shapes(layer: Any, named_by: str | os.PathLike[str] | None) -> dict[str, tuple[int, ...]]:
    layer.phase = schema.TEST
    tops = [Blob() for _ in layer.top]
    source = layer_class(layer.type, layer.name)(layer, Context(schema.TEST, Rng(1), named_by=named_by))
    try:
        source.setup([], tops)
        source.reshape([], tops)
    finally:
        source.close()
    return {name: blob.shape for name, blob in zip(layer.top, tops, strict=True)}
