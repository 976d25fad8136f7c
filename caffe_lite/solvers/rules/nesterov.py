"""Nesterov: Nesterov's accelerated gradient."""

from __future__ import annotations

from caffe_lite.blob import Array
from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class Nesterov(Rule):
    """``h' = momentum h + rate g``; ``data -= (1 + momentum) h' - momentum h``.

    Source: Caffe's nesterov_solver.cpp.
    """

    def update(self, i: int, data: Array, diff: Array, step: Step) -> None:
        self.run(updates.nesterov, i, data, diff, step, step.rate, self.param.momentum)
