"""RMSProp: rates that follow a running mean of squared gradients."""

from __future__ import annotations

from typing import Any

from caffe_lite.errors import ParameterError
from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class RMSProp(Rule):
    """``h = rms_decay h + (1 - rms_decay) g²``; ``data -= rate g / (√h + delta)``.

    Source: Caffe's rmsprop_solver.cpp; Tieleman, Hinton, 2012.
    """

    kernel = staticmethod(updates.adagrad)

    @classmethod
    def check(cls, param: Any) -> None:
        if param.momentum:
            raise ParameterError(f"Momentum cannot be used with RMSProp: found momentum {param.momentum:g}, "
                                 "leave it out")
        if not 0 <= param.rms_decay < 1:
            raise ParameterError(f"rms_decay should lie between 0 and 1, found {param.rms_decay:g}")

    def numbers(self, step: Step) -> tuple[float, ...]:
        keep = self.param.rms_decay
        return step.rate, keep, 1 - keep, self.param.delta
