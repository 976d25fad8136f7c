"""The solvers as Caffe's ``_caffe`` module exports them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any, ClassVar

from caffe_lite.binding.device import NCCL
from caffe_lite.binding.errors import CallError, check_file, user_errors
from caffe_lite.binding.net import Net
from caffe_lite.binding.vectors import NetVec
from caffe_lite.solvers import Solver as EngineSolver
from caffe_lite.solvers.policies import learning_rate
from caffe_lite.upgrade import read_solver

log = logging.getLogger(__name__)
Path = str | os.PathLike[str]


class SolverParameter:
    """What a program may ask of, and change in, the solver's parameters."""

    def __init__(self, message: Any) -> None:
        self._message = message

    @property
    def max_iter(self) -> int:
        """How many iterations ``solve`` trains."""
        return int(self._message.max_iter)

    @property
    def display(self) -> int:
        """After how many iterations the loss is logged."""
        return int(self._message.display)

    @property
    def layer_wise_reduce(self) -> bool:
        """Whether several GPUs would exchange gradients layer by layer."""
        return bool(self._message.layer_wise_reduce)

    @property
    def base_lr(self) -> float:
        """The rate that ``lr_policy`` starts from."""
        return float(self._message.base_lr)

    @base_lr.setter
    def base_lr(self, rate: float) -> None:
        self._message.base_lr = rate


class Solver:
    """Trains a net; make one of the classes below from a solver's prototxt, or let ``get_solver`` choose.

    Attributes:
        net, test_nets: the nets, which outlive the solver where a program keeps them.
        param: its parameters.

    Raises:
        CallError: the file cannot be opened.
        CaffeError: the parameters or the nets cannot be.
        Exception: whatever a Python layer or a callback raises.

    Source: Caffe's ``_caffe.cpp``.
    """

    type: ClassVar[str] = ""

    def __init__(self, param_file: Path) -> None:
        if not self.type:
            raise CallError("Solver cannot be made itself; make an SGDSolver, or call get_solver")
        check_file(param_file)
        param = read_solver(param_file)
        if param.HasField("type") and param.type != self.type:
            log.warning("%s says type: \"%s\"; as in Caffe, %s trains with %s", param_file, param.type,
                        type(self).__name__, self.type)
        param.type = self.type
        self._show(user_errors(EngineSolver)(param, param_file))

    def _show(self, engine: EngineSolver) -> None:
        self.engine = engine
        engine.stop_at_nan = False  # programs look at the numbers themselves, or mean to go on
        self.net = Net.of(engine.net)
        self.test_nets = NetVec(map(Net.of, engine.test_nets))
        self.param = SolverParameter(engine.param)

    @property
    def iter(self) -> int:
        """How many updates were made."""
        return self.engine.iter

    def add_callback(self, on_start: Callable[[], object] | NCCL,
                     on_gradients_ready: Callable[[], object] | None = None) -> None:
        """Call the one in every iteration before its passes, the other when the gradients are there."""
        if isinstance(on_start, NCCL):
            return
        if on_gradients_ready is None:
            raise TypeError("add_callback takes two functions, on_start and on_gradients_ready, found one")
        self.engine.on_start.append(on_start)
        self.engine.on_gradients_ready.append(on_gradients_ready)

    @user_errors
    def solve(self, resume_file: Path | None = None) -> None:
        """Train to ``max_iter``, from where it is or from a ``.solverstate``."""
        if resume_file is not None:
            check_file(resume_file)
        self.engine.solve(resume_file)

    @user_errors
    def step(self, iters: int) -> None:
        """Make ``iters`` updates, testing, displaying and snapshotting when they are due."""
        self.engine.step(int(iters))

    def restore(self, state_file: Path) -> None:
        """Go on from a ``.solverstate``."""
        self.engine.restore(check_file(state_file))

    def snapshot(self) -> None:
        """Write ``PREFIX_iter_N.caffemodel`` and ``.solverstate``."""
        self.engine.snapshot()

    def share_weights(self, net: Net) -> None:
        """Have a net look at the parameters of this solver's."""
        net.share_with(self.net)

    def apply_update(self) -> None:
        """Clip, normalise and regularise the gradients, and take the rule's updates from the parameters."""
        self.engine.apply_update()


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum."""

    type = "SGD"

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        return learning_rate(self.engine.param, self.engine.iter, self.engine.current_step)[0]


class NesterovSolver(SGDSolver):
    """Nesterov's accelerated gradient."""

    type = "Nesterov"


class AdaGradSolver(SGDSolver):
    """AdaGrad."""

    type = "AdaGrad"


class RMSPropSolver(SGDSolver):
    """RMSProp."""

    type = "RMSProp"


class AdaDeltaSolver(SGDSolver):
    """AdaDelta."""

    type = "AdaDelta"


class AdamSolver(SGDSolver):
    """Adam."""

    type = "Adam"


_CLASSES = {cls.type: cls for cls in (SGDSolver, NesterovSolver, AdaGradSolver, RMSPropSolver, AdaDeltaSolver,
                                      AdamSolver)}


def get_solver(param_file: Path) -> Solver:
    """The solver of the class that the file's ``type`` names."""
    check_file(param_file)
    engine = user_errors(EngineSolver)(read_solver(param_file), param_file)
    solver = _CLASSES[engine.param.type].__new__(_CLASSES[engine.param.type])
    solver._show(engine)
    return solver
