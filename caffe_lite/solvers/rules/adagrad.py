"""AdaGrad: rates that fall with the sum of squared gradients."""

from __future__ import annotations

from typing import Any

from caffe_lite.errors import ParameterError
from caffe_lite.kernels import updates
from caffe_lite.solvers.rules.base import Rule, Step


class AdaGrad(Rule):
    """``h += g²``; ``data -= rate g / (√h + delta)``.

    Source: Caffe's adagrad_solver.cpp; Duchi, Hazan, Singer, 2011.
    """

    kernel = staticmethod(updates.adagrad)

    @classmethod
    def check(cls, param: Any) -> None:
        if param.momentum:
            raise ParameterError(f"Momentum cannot be used with AdaGrad: found momentum {param.momentum:g}, "
                                 "leave it out")

    def numbers(self, step: Step) -> tuple[float, ...]:
        return step.rate, 1, 1, self.param.delta
