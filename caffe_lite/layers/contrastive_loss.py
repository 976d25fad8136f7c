"""ContrastiveLoss: similar pairs together, dissimilar ones apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.kernels.contrastive import contrastive_backward, contrastive_forward
from caffe_lite.layers.loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import call


@register("ContrastiveLoss")
class ContrastiveLossLayer(LossLayer):
    """``loss = 1/2N Σ_n s d² + (1 - s) max(margin - d, 0)²`` with ``d = |a - b|``.

    Bottoms: features a and b, ``(N, C)`` or ``(N, C, 1, 1)``, and the similarity s, N values: 0 is a dissimilar
    pair, everything else that does not round to 0 a similar one. With ``legacy_version`` the second term is
    ``(1 - s) max(margin - d², 0)``. The gradient of a dissimilar pair divides by ``d + 1e-4``.

    The top is a scalar.

    Source: Caffe's contrastive_loss_layer.cpp; Hadsell, Chopra, LeCun, "Dimensionality reduction by learning
    an invariant mapping", 2006.

    Raises:
        ShapeError: the features have two shapes, or there is not one similarity for each pair.
    """

    bottoms = (3, 3)
    replayable = True

    def allow_force_backward(self, index: int) -> bool:
        return index != 2

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        names, (a, b, similar) = self.param.bottom, (blob.shape for blob in bottom)
        if a != b or len(a) < 2 or a[2:].count(1) != len(a) - 2:
            self.fail(ShapeError, f"the features {names[0]!r} of shape {a} and {names[1]!r} of shape {b} must both "
                      "be (pairs, channels)")
        if similar[:1] != a[:1] or bottom[2].count != a[0]:
            self.fail(ShapeError, f"the similarity {names[2]!r} of shape {similar} must have one value for each of "
                      f"the {a[0]} pairs of {names[0]!r} of shape {a}")
        self._view = a[:2]
        self._diff = np.empty(a[:2], self.context.dtype)
        self._dist_sq = np.empty(a[0], self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, number = self.param.contrastive_loss_param, self.context.dtype
        call(contrastive_forward, bottom[0].data.reshape(self._view), bottom[1].data.reshape(self._view),
             bottom[2].data.reshape(-1), number(param.margin), param.legacy_version, self._diff, self._dist_sq,
             top[0].data.reshape(-1))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self.refuse_labels(propagate_down, 2)
        param, number = self.param.contrastive_loss_param, self.context.dtype
        for i, sign in ((0, number(1)), (1, number(-1))):
            if propagate_down[i]:
                call(contrastive_backward, bottom[2].data.reshape(-1), number(param.margin), param.legacy_version,
                     top[0].diff.reshape(-1), sign, number(1e-4), self._diff, self._dist_sq,
                     bottom[i].diff.reshape(self._view))
