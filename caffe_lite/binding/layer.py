"""Layers as Python sees them, and the base of those that people write in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite.layers import Layer as EngineLayer
from caffe_lite.layers.blob_views import BlobView, BlobViews
from caffe_lite.layers.python import PythonLayer


class Layer:
    """A layer of ``type: "Python"``: derive from it, and name module and class in ``python_param``.

    ::

        class Double(caffe.Layer):
            def setup(self, bottom, top):
                pass                                        # check self.param_str, add self.blobs

            def reshape(self, bottom, top):
                top[0].reshape(*bottom[0].data.shape)       # called before each forward pass

            def forward(self, bottom, top):
                top[0].data[...] = 2 * bottom[0].data

            def backward(self, top, propagate_down, bottom):
                if propagate_down[0]:
                    bottom[0].diff[...] = 2 * top[0].diff

    Attributes:
        param_str: ``python_param { param_str }``.
        phase: ``caffe.TRAIN`` or ``caffe.TEST``.
        blobs: the parameters; ``self.blobs.add_blob(3, 4)`` in ``setup`` makes one.
        type: the name in a prototxt.
    """

    type = "Python"
    param_str: str
    phase: int
    blobs: BlobViews

    def __init__(self, param: Any) -> None:
        """``param`` is the ``LayerParameter``."""

    def setup(self, bottom: Sequence[BlobView], top: Sequence[BlobView]) -> None:
        raise NotImplementedError("a Python layer needs a method setup(self, bottom, top)")

    def reshape(self, bottom: Sequence[BlobView], top: Sequence[BlobView]) -> None:
        raise NotImplementedError("a Python layer needs a method reshape(self, bottom, top)")

    def forward(self, bottom: Sequence[BlobView], top: Sequence[BlobView]) -> None:
        raise NotImplementedError("a Python layer needs a method forward(self, bottom, top)")

    def backward(
        self, top: Sequence[BlobView], propagate_down: Sequence[bool], bottom: Sequence[BlobView]
    ) -> None:
        raise NotImplementedError("this Python layer needs a method backward(self, top, propagate_down, bottom)")


class BuiltinLayer(Layer):
    """A layer of the engine's own; the net alone runs it."""

    def __init__(self, layer: EngineLayer) -> None:
        self._layer = layer
        self.type = layer.type
        self.phase = layer.context.phase
        self.blobs = BlobViews(layer.blobs, layer.context.dtype)

    def setup(self, bottom: Sequence[BlobView], top: Sequence[BlobView]) -> None:
        """Set up again; the parameters stay."""
        kept = list(self._layer.blobs)
        self._layer.setup(*_blobs(bottom, top))
        if kept:
            self._layer.blobs[:] = kept

    def reshape(self, bottom: Sequence[BlobView], top: Sequence[BlobView]) -> None:
        """Give the tops the shapes that follow from the bottoms."""
        self._layer.reshape(*_blobs(bottom, top))


def shown(layer: EngineLayer) -> Layer:
    """What Python sees of a layer: of a Python layer the user's own object."""
    return layer.user if isinstance(layer, PythonLayer) else BuiltinLayer(layer)


def _blobs(*lists: Sequence[BlobView]) -> list[list[Any]]:
    return [[view.blob for view in views] for views in lists]
