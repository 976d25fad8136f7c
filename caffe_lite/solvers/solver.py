"""The training loop."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from enum import Enum
from math import sqrt
from pathlib import Path
from typing import Any

from caffe_lite import rng, schema, upgrade
from caffe_lite.errors import ParameterError, SnapshotError
from caffe_lite.files import locate
from caffe_lite.net import Net
from caffe_lite.snapshot import State, read_state, write_state
from caffe_lite.snapshot.hdf5 import need_h5py
from caffe_lite.solvers.nets import make_test_nets, make_train_net
from caffe_lite.solvers.norm import sum_squares
from caffe_lite.solvers.policies import check_policy, learning_rate
from caffe_lite.solvers.rules import rule_class
from caffe_lite.solvers.rules.base import Step
from caffe_lite.solvers.smoothing import LossWindow

log = logging.getLogger(__name__)


class Action(Enum):
    """What somebody outside asks of a training: nothing, to stop, or a snapshot now."""

    NONE = 0
    STOP = 1
    SNAPSHOT = 2


class Solver:
    """Trains the net that a solver's prototxt names.

    Args:
        param: a ``SolverParameter`` in the current form.
        named_by: the file it was read from; paths in it are looked for from there too.

    Attributes:
        net, test_nets: the nets.
        iter: how many updates were made.
        rate: the learning rate of the last update.
        smoothed_loss: the mean of the last ``average_loss`` losses.
        action: asked after every iteration, and between the batches of a test.
        on_iteration: called with the solver after every iteration, for a progress line.
        on_start, on_gradients_ready: called in every iteration before its passes, and after them when the gradients
            are about to be used.

    Raises:
        CaffeError: the parameters or the nets cannot be.

    Source: Caffe's solver.cpp and sgd_solver.cpp.
    """

    def __init__(self, param: Any, named_by: str | os.PathLike[str] | None = None) -> None:
        log.info("Initializing solver from parameters: \n%s", schema.format_text(param))
        self.param = schema.SolverParameter()
        self.param.CopyFrom(param)
        if param.average_loss < 1:
            raise ParameterError(f"average_loss is {param.average_loss}: the mean needs 1 loss or more")
        if param.iter_size < 1:
            raise ParameterError(f"iter_size is {param.iter_size}: an update needs 1 batch or more")
        if param.regularization_type not in ("L1", "L2"):
            raise ParameterError(f"Unknown regularization type: {param.regularization_type!r}; known: L1, L2")
        check_policy(param)
        rule = rule_class(param.type)
        rule.check(param)
        self._prefix = _snapshot_prefix(param, named_by)
        self._hdf5 = param.snapshot_format == schema.SolverParameter.HDF5
        if self._hdf5 and (param.snapshot or param.snapshot_after_train):
            need_h5py()  # now, and not at the first snapshot
        if param.snapshot:
            self._check_snapshot_folder()
        if param.random_seed >= 0:
            rng.set_random_seed(param.random_seed)
        self.action: Callable[[], Action] = lambda: Action.NONE
        self.on_iteration: Callable[[Solver], None] = lambda solver: None
        self.on_start: list[Callable[[], object]] = []
        self.on_gradients_ready: list[Callable[[], object]] = []
        self.iter = 0
        self.rate = 0.0
        self.current_step = 0
        self.stopped = False
        self._window = LossWindow(param.average_loss)
        self._displayed = 0
        self._display_time = 0.0
        self.test_nets: list[Net] = []
        self.net = make_train_net(self.param, named_by)
        try:
            self._load_weights(self.net, named_by)
            self.test_nets = make_test_nets(self.param, named_by)
            for net in self.test_nets:
                self._load_weights(net, named_by)
                net.debug_info = param.debug_info
            self.rule = rule(self.param, [p.blob.shape for p in self.net.params.learnable])
        except BaseException:
            self.close()
            raise
        log.info("Solver scaffolding done.")

    @property
    def smoothed_loss(self) -> float:
        return self._window.mean

    def close(self) -> None:
        """Give back the files and threads of all nets."""
        for net in [self.net, *self.test_nets]:
            net.close()

    # -- training --------------------------------------------------------------------------------------

    def solve(self, resume_file: str | os.PathLike[str] | None = None) -> None:
        """Train to ``max_iter``, from the start or from a ``.solverstate``."""
        log.info("Solving %s", self.net.name)
        log.info("Learning Rate Policy: %s", self.param.lr_policy)
        self.stopped = False
        if resume_file is not None:
            log.info("Restoring previous solver status from %s", resume_file)
            self.restore(resume_file)
        param = self.param
        self.step(param.max_iter - self.iter)
        if param.snapshot_after_train and (not param.snapshot or self.iter % param.snapshot):
            self.snapshot()
        if self.stopped:
            log.info("Optimization stopped early.")
            return
        if param.display and self.iter % param.display == 0:
            self._window.add(self.net.forward())
            log.info("Iteration %d, loss = %g", self.iter, self.smoothed_loss)
        if param.test_interval and self.iter % param.test_interval == 0:
            self.test_all()
        log.info("Optimization Done.")

    def step(self, iters: int) -> None:
        """Make ``iters`` updates, testing, displaying and snapshotting when they are due."""
        param = self.param
        self._window = LossWindow(param.average_loss)
        self._display_time = self._display_time or time.perf_counter()
        stop = self.iter + iters
        while self.iter < stop:
            self.net.clear_param_diffs()
            if (param.test_interval and self.iter % param.test_interval == 0
                    and (self.iter > 0 or param.test_initialization)):
                self.test_all()
                if self.stopped:
                    break
            for run in self.on_start:
                run()
            display = bool(param.display) and self.iter % param.display == 0
            self.net.debug_info = display and param.debug_info
            loss = 0.0
            for _ in range(param.iter_size):
                loss += self.net.forward()
                self.net.backward()
            self._window.add(loss / param.iter_size)
            if display:
                self._display()
            for run in self.on_gradients_ready:
                run()
            self.apply_update()
            self.on_iteration(self)
            request = self.action()
            if request is Action.SNAPSHOT or (param.snapshot and self.iter % param.snapshot == 0):
                self.snapshot()
            if request is Action.STOP:
                self.stopped = True
                break

    def apply_update(self) -> None:
        """Clip, normalise and regularise the gradients, and take the rule's updates from the parameters."""
        param = self.param
        self.rate, self.current_step = learning_rate(param, self.iter, self.current_step)
        if param.display and self.iter % param.display == 0:
            log.info("Iteration %d, lr = %g", self.iter, self.rate)
        factor = self._clip() / param.iter_size
        for i, learnable in enumerate(self.net.params.learnable):
            step = Step(factor, param.weight_decay * learnable.decay_mult, param.regularization_type == "L1",
                        self.rate * learnable.lr_mult, self.iter)
            blob = learnable.blob
            self.rule.update(i, blob.data.reshape(-1), blob.diff.reshape(-1), step)
        self.iter += 1

    def _clip(self) -> float:
        """What to multiply all gradients with so that their norm is at most ``clip_gradients``."""
        limit = self.param.clip_gradients
        if limit < 0:
            return 1.0
        norm = sqrt(sum(sum_squares(p.blob.diff.reshape(-1)) for p in self.net.params.learnable))
        if norm <= limit:
            return 1.0
        log.info("Gradient clipping: scaling down gradients (L2 norm %g > %g) by scale factor %g", norm, limit,
                 limit / norm)
        return limit / norm

    def _display(self) -> None:
        now = time.perf_counter()
        lapse = now - self._display_time
        log.info("Iteration %d (%g iter/s, %gs/%d iters), loss = %g", self.iter,
                 (self.iter - self._displayed) / (lapse or 1), lapse, self.param.display, self.smoothed_loss)
        self._displayed, self._display_time = self.iter, now
        _log_outputs(self.net, "Train", [float(v) for name in self.net.outputs
                                         for v in self.net.blobs[name].data.reshape(-1)])

    # -- testing ---------------------------------------------------------------------------------------

    def test_all(self) -> None:
        """Run every test net, until somebody asks to stop."""
        for i in range(len(self.test_nets)):
            if not self.stopped:
                self.test(i)

    def test(self, i: int) -> None:
        """Run test net ``i`` over ``test_iter`` batches with the current weights and log the mean outputs."""
        log.info("Iteration %d, Testing net (#%d)", self.iter, i)
        net, batches = self.test_nets[i], self.param.test_iter[i]
        net.share_trained_layers_with(self.net)
        scores: list[float] = []
        loss = 0.0
        for _ in range(batches):
            while (request := self.action()) is not Action.NONE:
                if request is Action.SNAPSHOT:
                    self.snapshot()
                else:
                    self.stopped = True
            if self.stopped:
                log.info("Test interrupted.")
                return
            loss += net.forward()
            values = [float(v) for name in net.outputs for v in net.blobs[name].data.reshape(-1)]
            scores = [a + b for a, b in zip(scores, values, strict=True)] if scores else values
        if self.param.test_compute_loss:
            log.info("Test loss: %g", loss / batches)
        _log_outputs(net, "Test", [score / batches for score in scores])

    # -- snapshots -------------------------------------------------------------------------------------

    def snapshot(self) -> str:
        """Write weights, then the state that names them; returns the state's file.

        Raises:
            SnapshotError: they cannot be written; what was there before is kept.
        """
        kind, ending = ("HDF5", ".h5") if self._hdf5 else ("binary proto", "")
        weights, state = (self._snapshot_file(name + ending) for name in (".caffemodel", ".solverstate"))
        try:
            log.info("Snapshotting to %s file %s", kind, weights)
            self.net.save(weights, self.param.snapshot_diff, hdf5=self._hdf5)
            log.info("Snapshotting solver state to %s file %s", kind, state)
            write_state(state, State(self.iter, weights, self.current_step, self.rule.history), hdf5=self._hdf5)
        except OSError as error:
            raise SnapshotError(f"Cannot write the snapshot {error.filename or weights}: {error.strerror}") from error
        return state

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a ``.solverstate``.

        Raises:
            SnapshotError: it is missing, broken or another net's; nothing has changed then.
        """
        state = read_state(path)
        found, expected = [a.shape for a in state.history], [a.shape for a in self.rule.history]
        if [a.size for a in state.history] != [a.size for a in self.rule.history]:
            raise SnapshotError(f"{path}: Incorrect length of history blobs: its histories have the shapes {found}, "
                                f"this {self.param.type} solver of this net needs {expected}")
        if state.learned_net:
            self.net.copy_trained_from(state.learned_net)
        log.info("SGDSolver: restoring history")
        for mine, theirs in zip(self.rule.history, state.history, strict=True):
            mine[...] = theirs.reshape(mine.shape)
        self.iter, self.current_step = state.iter, state.current_step
        self._displayed = self.iter

    def _snapshot_file(self, extension: str) -> str:
        return f"{self._prefix}_iter_{self.iter}{extension}"

    def _check_snapshot_folder(self) -> None:
        if not self.param.snapshot_prefix:
            raise ParameterError("In solver params, snapshot is specified but snapshot_prefix is not")
        folder = Path(self._prefix).parent
        if not os.access(folder, os.W_OK | os.X_OK):
            why = "is not writable" if folder.is_dir() else "does not exist"
            raise SnapshotError(f"Cannot write to snapshot prefix '{self._prefix}': the folder '{folder}' {why}")

    def _load_weights(self, net: Net, named_by: str | os.PathLike[str] | None) -> None:
        for names in self.param.weights:
            for name in names.split(","):
                log.info("Finetuning from %s", name.strip())
                net.copy_trained_from(locate(name.strip(), named_by))


def read_solver(path: str | os.PathLike[str], **changes: Any) -> Solver:
    """The solver of a prototxt file in any of Caffe's forms.

    Args:
        path: the file.
        changes: fields of the ``SolverParameter`` to set to other values, such as ``max_iter=100``.
    """
    param = upgrade.read_solver(path)
    for name, value in changes.items():
        setattr(param, name, value)
    return Solver(param, named_by=path)


def _snapshot_prefix(param: Any, named_by: str | os.PathLike[str] | None) -> str:
    """``snapshot_prefix`` with its folder as it is found from here."""
    folder, name = os.path.split(param.snapshot_prefix)
    return os.path.join(locate(folder, named_by), name)


def _log_outputs(net: Net, kind: str, values: list[float]) -> None:
    names = [name for name in net.outputs for _ in range(net.blobs[name].count)]
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        weight = net.loss_weights.get(name, 0.0)
        loss = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
        log.info("    %s net output #%d: %s = %g%s", kind, i, name, value, loss)
