"""How each layer is written in ONNX, by its type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import ExportError
from caffe_lite.export.graph import Graph, Shape
from caffe_lite.layers import Layer


@dataclass(frozen=True)
class Site:
    """A layer at its place in a net.

    Attributes:
        layer: as built; ``bottoms`` and ``tops`` are its blobs.
        values: what the graph calls the bottoms.
        shapes, top_shapes: of the blobs, with ``None`` for sizes that change with the batch.
        names: of the parameters; those that layers share have one name.
    """

    layer: Layer
    bottoms: Sequence[Blob]
    tops: Sequence[Blob]
    values: Sequence[str]
    shapes: Sequence[Shape]
    top_shapes: Sequence[Shape]
    names: Sequence[str]

    @property
    def param(self) -> Any:
        return self.layer.param

    def axis(self, index: int) -> int:
        """An axis of the first bottom, counted from 0."""
        return self.layer.axis(index, len(self.shapes[0]))

    def parameter(self, graph: Graph, index: int, shape: tuple[int, ...] | None = None) -> str:
        """A parameter, in another shape where one is given."""
        values = self.layer.blobs[index].data
        return graph.parameter(self.names[index], values if shape is None else values.reshape(shape))

    def derived(self, graph: Graph, index: int, what: str, values: Array) -> str:
        """A constant that is computed from a parameter."""
        return graph.parameter(f"{self.names[index]}:{what}", values)

    def known(self, sizes: Shape) -> tuple[int, ...]:
        """The sizes, none of which may change with the batch."""
        if None in sizes:
            self.fail("the batch is along an axis that must have a fixed size")
        return tuple(size for size in sizes if size is not None)

    def fail(self, message: str) -> NoReturn:
        """Say why this layer cannot go."""
        raise ExportError(f"layer {self.layer.name!r} ({self.layer.type}): {message}")


Exporter = Callable[[Graph, Site], Sequence[str]]
"""Adds the layer's nodes; the values of its tops."""
E = TypeVar("E", bound=Exporter)
_EXPORTERS: dict[str, Exporter] = {}


def exports(*types: str) -> Callable[[E], E]:
    """Decorator: the function writes layers of these types."""

    def add(exporter: E) -> E:
        for name in types:
            if name in _EXPORTERS:
                raise ExportError(f"two functions export {name!r}")
            _EXPORTERS[name] = exporter
        return exporter

    return add


def exporter_of(name: str) -> Exporter | None:
    """The function for a type; ``None`` where ONNX has nothing like it."""
    return _EXPORTERS.get(name)


def exported_types() -> list[str]:
    """The types that can go, in alphabetical order."""
    return sorted(_EXPORTERS)
