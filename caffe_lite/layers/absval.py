"""AbsVal: the absolute value."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.kernels.elementwise import absval_backward, absval_forward
from caffe_lite.layers.in_place import refuse_in_place
from caffe_lite.layers.neuron import NeuronLayer
from caffe_lite.layers.registry import register


@register("AbsVal")
class AbsValLayer(NeuronLayer):
    """``y = |x|``, with gradient 0 at 0; not in place.

    The top has the bottom's shape, whatever that is.

    Source: Caffe's absval_layer.cpp.

    Raises:
        GraphError: it would work in place.
    """

    kernels = (absval_forward, absval_backward)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        refuse_in_place(self, bottom, top)
