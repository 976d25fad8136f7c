"""Parameter: a parameter as a blob."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.kernels.arrays import add, copy_blocks
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("Parameter")
class ParameterLayer(Layer):
    """The top is a learned blob of ``parameter_param.shape``, 0 until it is trained or loaded.

    Source: Caffe's parameter_layer.hpp. There the two are one memory, so that the top's gradient replaces what other
    users of a shared parameter, or earlier passes of ``iter_size``, have left; here it is added, as for every layer.
    """

    bottoms = (0, 0)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = tuple(self.param.parameter_param.shape.dim)
        self.blobs.append(Blob(shape, self.context.dtype))
        top[0].reshape(shape)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    # A copy: the net may give the parameter another memory, shared by name or with another net, at any time, and
    # layers above that share the top's memory would not see it.

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        copy_blocks(0, 1, self.blobs[0].data.reshape(-1), 0, 0, top[0].data.reshape(-1), 0, 0, top[0].count)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if self.param_propagate_down[0]:
            gradient = self.blobs[0].diff.reshape(-1)
            parallel_for(add, gradient.size, gradient, top[0].diff.reshape(-1), gradient, grain=1 << 16)
