"""The lists that the binding hands out, under Caffe's names; ``BlobVec`` shows a live list and is with the blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caffe_lite.layers.blob_views import BlobView

if TYPE_CHECKING:
    from caffe_lite.binding.layer import Layer
    from caffe_lite.binding.net import Net


class BoolVec(list[bool]):
    """Switches."""


class DtypeVec(list[float]):
    """Numbers."""


class IntVec(list[int]):
    """Indices."""


class LayerVec(list["Layer"]):
    """A net's layers."""


class NetVec(list["Net"]):
    """A solver's test nets."""


class RawBlobVec(list[BlobView]):
    """The bottoms or tops of a layer."""


class StringVec(list[str]):
    """Names."""
