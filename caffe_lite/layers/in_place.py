"""Layers that cannot write their output over their input."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import GraphError
from caffe_lite.layers.base import Layer


def refuse_in_place(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
    """Raise ``GraphError`` when a top is one of the bottoms."""
    for j, blob in enumerate(top):
        if any(blob is other for other in bottom):
            layer.fail(GraphError, f"cannot work in place: give its top {layer.param.top[j]!r} a name that is not "
                       "one of its bottoms")
