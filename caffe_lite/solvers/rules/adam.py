"""Adam: running means of gradients and of their squares."""

from __future__ import annotations

from math import sqrt

from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class Adam(Rule):
    """``m = b1 m + (1 - b1) g``; ``v = b2 v + (1 - b2) g²``;
    ``data -= rate √(1 - b2^t) / (1 - b1^t) m / (√v + delta)``, with ``momentum`` for b1, ``momentum2`` for b2.

    Source: Caffe's adam_solver.cpp; Kingma, Ba, 2014.
    """

    slots = 2
    kernel = staticmethod(updates.adam)

    def numbers(self, step: Step) -> tuple[float, ...]:
        b1, b2, t = self.param.momentum, self.param.momentum2, step.iteration + 1
        corrected = step.rate * sqrt(1 - b2**t) / (1 - b1**t)
        return corrected, b1, 1 - b1, b2, 1 - b2, self.param.delta
