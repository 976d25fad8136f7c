"""What an update rule is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from caffe_lite.aligned import zeros
from caffe_lite.blob import Array
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 15  # elements worth a thread


@dataclass(frozen=True)
class Step:
    """What one update of one parameter needs besides its arrays.

    Attributes:
        factor: the gradient is multiplied with it first (clipping, and the mean over ``iter_size``).
        decay: ``weight_decay`` times the parameter's ``decay_mult``.
        l1: whether the penalty is L1 instead of L2.
        rate: the learning rate times the parameter's ``lr_mult``.
        iteration: how many updates were made before.
    """

    factor: float
    decay: float
    l1: bool
    rate: float
    iteration: int


class Rule:
    """Turns gradients into updates; keeps ``slots`` histories for each parameter.

    Histories are stored as Caffe stores them: the first slot of every parameter, then the second of every one.
    """

    slots: ClassVar[int] = 1

    def __init__(self, param: Any, shapes: Sequence[tuple[int, ...]], dtype: Any = np.float32) -> None:
        self.param = param
        self.count = len(shapes)
        self.dtype = dtype
        self.history = [zeros(prod(shape), dtype).reshape(shape) for _ in range(self.slots) for shape in shapes]

    @classmethod
    def check(cls, param: Any) -> None:
        """Raise ``ParameterError`` for a ``SolverParameter`` that the rule cannot work with."""

    def update(self, i: int, data: Array, diff: Array, step: Step) -> None:
        """Change ``data`` (flat) by the update that follows from ``diff`` (flat), and leave it in ``diff``."""
        raise NotImplementedError

    def run(self, kernel: Callable[..., Any], i: int, data: Array, diff: Array, step: Step, rate: float,
            *numbers: float) -> None:
        """Run a kernel of ``kernels.updates`` over parameter ``i`` and its histories."""
        number = self.dtype
        histories = [self.history[slot * self.count + i].reshape(-1) for slot in range(self.slots)]
        parallel_for(kernel, data.size, data, diff, *histories, number(step.factor), number(step.decay), step.l1,
                     number(rate), *map(number, numbers), grain=GRAIN)
