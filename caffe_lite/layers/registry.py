"""The layers by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TypeVar

from caffe_lite.errors import GraphError
from caffe_lite.layers.base import Layer
from caffe_lite.schema.forks import fork_of_type

_LAYERS: dict[str, type[Layer]] = {}
L = TypeVar("L", bound=type[Layer])


def register(name: str) -> Callable[[L], L]:
    """Class decorator: make the layer known under the ``type`` that a prototxt gives it."""

    def add(layer: L) -> L:
        if name in _LAYERS:
            raise GraphError(f"two layers are called {name!r}: {_LAYERS[name].__module__} and {layer.__module__}")
        layer.type = name
        _LAYERS[name] = layer
        return layer

    return add


def layer_class(name: str, layer_name: str = "") -> type[Layer]:
    """The class of a layer type.

    Raises:
        GraphError: nobody registered it; the message names the fork of Caffe that has it, or the closest of the known
            types, and lists those.
    """
    try:
        return _LAYERS[name]
    except KeyError:
        folded = {known.lower(): known for known in _LAYERS}
        close = [folded[match] for match in get_close_matches(name.lower(), folded, 3)]
        fork = fork_of_type(name)
        hint = f"{fork} " if fork else f"did you mean {' or '.join(close)}? " if close else ""
        raise GraphError(
            f"layer {layer_name!r}: unknown layer type: {name!r}; {hint}known types: {', '.join(known_types())}"
        ) from None


def known_types() -> list[str]:
    """The registered layer types in alphabetical order."""
    return sorted(_LAYERS)
