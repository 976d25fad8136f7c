"""Input: blobs that a program fills in."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import ParameterError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register


@register("Input")
class InputLayer(Layer):
    """Tops of the shapes in ``input_param``: one shape for all, one for each, or none yet.

    Source: Caffe's input_layer.cpp.

    Raises:
        ParameterError: there are neither none, one nor as many shapes as tops.
    """

    bottoms = (0, 0)
    tops = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shapes = [tuple(shape.dim) for shape in self.param.input_param.shape]
        if len(shapes) not in (0, 1, len(top)):
            self.fail(ParameterError, f"input_param has {len(shapes)} shapes for {len(top)} tops; give one "
                      "shape for all of them, one for each, or none")
        for i, blob in enumerate(top):
            if shapes:
                blob.reshape(shapes[i if len(shapes) > 1 else 0])

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        pass
