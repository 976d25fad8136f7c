"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from caffe_lite.blob import Array
from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class SGD(Rule):
    """``h = momentum h + rate g``; ``data -= h``.

    Source: Caffe's sgd_solver.cpp.
    """

    def update(self, i: int, data: Array, diff: Array, step: Step) -> None:
        self.run(updates.sgd, i, data, diff, step, step.rate, self.param.momentum)
