"""AdaDelta: rates from running means of squared gradients and squared updates."""

from __future__ import annotations

from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class AdaDelta(Rule):
    """``G = m G + (1 - m) g²``; ``u = g √((U + delta) / (G + delta))``; ``U = m U + (1 - m) u²``;
    ``data -= rate u``, with the solver's ``momentum`` for m.

    Source: Caffe's adadelta_solver.cpp; Zeiler, 2012.
    """

    slots = 2
    kernel = staticmethod(updates.adadelta)

    def numbers(self, step: Step) -> tuple[float, ...]:
        keep = self.param.momentum
        return step.rate, keep, 1 - keep, self.param.delta
