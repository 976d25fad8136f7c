"""What an update rule is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from caffe_lite.aligned import zeros
from caffe_lite.blob import Blob
from caffe_lite.net.replay import Replay
from caffe_lite.parallel import parallel_for

GRAIN = 1 << 15  # elements worth a thread


@dataclass(frozen=True)
class Step:
    """What one update of one parameter needs besides its arrays.

    Attributes:
        factor: the gradient is multiplied with it first (clipping, and the mean over ``iter_size``).
        decay: ``weight_decay`` times the parameter's ``decay_mult``.
        rate: the learning rate times the parameter's ``lr_mult``.
        iteration: how many updates were made before.
    """

    factor: float
    decay: float
    rate: float
    iteration: int


class Rule:
    """Turns gradients into updates; keeps ``slots`` histories for each parameter, in memory that stays where it is.

    Histories are stored as Caffe stores them: the first slot of every parameter, then the second of every one.

    Args:
        param: the ``SolverParameter``.
        blobs: the parameters.
    """

    slots: ClassVar[int] = 1
    kernel: ClassVar[Callable[..., None]]  # of ``kernels.updates``

    def __init__(self, param: Any, blobs: Sequence[Blob]) -> None:
        self.param, self._blobs = param, blobs
        self.history = [zeros(b.count, b.dtype).reshape(b.shape) for _ in range(self.slots) for b in blobs]
        self._numbers = [np.zeros(8, b.dtype) for b in blobs]
        self._replay = Replay(0, len(blobs) - 1, blobs, diffs=True)
        self._written = [blob.data for blob in blobs]  # nobody may think that they do not change

    @classmethod
    def check(cls, param: Any) -> None:
        """Raise ``ParameterError`` for a ``SolverParameter`` that the rule cannot work with."""

    def numbers(self, step: Step) -> tuple[float, ...]:
        """What the kernel takes after factor and decay."""
        raise NotImplementedError

    def update(self, steps: Sequence[Step]) -> None:
        """Change each parameter's ``data`` by the update that follows from its ``diff``, and leave it in ``diff``."""
        for own, step in zip(self._numbers, steps, strict=True):
            numbers = step.factor, step.decay, *self.numbers(step)
            own[:len(numbers)] = numbers
        self._replay(self._run)

    def _run(self, first: int, last: int) -> None:
        l1 = self.param.regularization_type == "L1"
        for i in range(first, last + 1):
            blob = self._blobs[i]
            histories = [array.reshape(-1) for array in self.history[i::len(self._blobs)]]
            parallel_for(self.kernel, blob.count, blob.data.reshape(-1), blob.diff.reshape(-1), *histories, l1,
                         self._numbers[i], grain=GRAIN)
