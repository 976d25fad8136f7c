"""The base of layers that people write in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caffe_lite.layers.blob_views import BlobView, BlobViews


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
