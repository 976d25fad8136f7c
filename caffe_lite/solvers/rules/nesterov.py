"""Nesterov: Nesterov's accelerated gradient."""

from __future__ import annotations

from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class Nesterov(Rule):
    """``h' = momentum h + rate g``; ``data -= (1 + momentum) h' - momentum h``.

    Source: Caffe's nesterov_solver.cpp.
    """

    kernel = staticmethod(updates.nesterov)

    def numbers(self, step: Step) -> tuple[float, ...]:
        return step.rate, self.param.momentum
