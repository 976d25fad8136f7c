"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class SGD(Rule):
    """``h = momentum h + rate g``; ``data -= h``.

    Source: Caffe's sgd_solver.cpp.
    """

    kernel = staticmethod(updates.sgd)

    def numbers(self, step: Step) -> tuple[float, ...]:
        return step.rate, self.param.momentum
