"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from caffe_lite.blob import Array
from caffe_lite.kernels.updates import sgd
from caffe_lite.parallel import parallel_for
from caffe_lite.solvers.rules.base import GRAIN, Rule, Step


class SGD(Rule):
    """``h = momentum h + rate g``; ``data -= h``.

    Source: ``SGDSolver::ComputeUpdateValue`` in Caffe's sgd_solver.cpp.
    """

    def update(self, i: int, data: Array, diff: Array, step: Step) -> None:
        n = self.dtype
        parallel_for(sgd, data.size, data, diff, self.slot(i), n(step.factor), n(step.decay), step.l1, n(step.rate),
                     n(self.param.momentum), grain=GRAIN)
