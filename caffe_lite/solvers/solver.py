"""The training loop."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from math import sqrt
from typing import Any

from caffe_lite import rng, schema, upgrade
from caffe_lite.errors import SnapshotError
from caffe_lite.files import locate
from caffe_lite.net import Net
from caffe_lite.solvers import finite
from caffe_lite.solvers.nets import make_test_nets, make_train_net
from caffe_lite.solvers.norm import sum_squares
from caffe_lite.solvers.parameters import check_parameters
from caffe_lite.solvers.policies import learning_rate
from caffe_lite.solvers.rules import rule_class
from caffe_lite.solvers.rules.base import Step
from caffe_lite.solvers.smoothing import LossWindow
from caffe_lite.solvers.snapshots import Snapshots
from caffe_lite.solvers.standing import standing
from caffe_lite.solvers.watching import Outputs, Shown, Tested, Watcher

log = logging.getLogger(__name__)


class Action(Enum):
    """What somebody outside asks of a training: nothing, to stop, a snapshot now, or to stop with one in any case."""

    NONE = 0
    STOP = 1
    SNAPSHOT = 2
    LEAVE = 3


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
        stop_at_nan: end with a ``DivergenceError`` where the loss, or what a snapshot would hold, is not finite; Caffe
            goes on.
        last_snapshot: the state that was last written, or resumed from.
        snapshots: how they are written; ``snapshot_failed`` says whether the last one could not be.
        action: asked after every iteration, and between the batches of a test.
        watchers: told what happens, one after the other.
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
        check_parameters(param)
        rule = rule_class(param.type)
        self.snapshots = self.make_snapshots(named_by)
        if param.random_seed >= 0:
            rng.set_random_seed(param.random_seed)
        self.action: Callable[[], Action] = lambda: Action.NONE
        self.watchers: list[Watcher] = []
        self.on_start: list[Callable[[], object]] = []
        self.on_gradients_ready: list[Callable[[], object]] = []
        self.stop_at_nan = True
        self.last_snapshot = ""
        self.iter = 0
        self.rate = 0.0
        self.current_step = 0
        self.stopped = self.leaving = self.running = self.snapshot_failed = False
        self.rng = rng.default()
        self.window = LossWindow(param.average_loss)
        self.kept_window: LossWindow | None = None
        self._standing: dict[str, Any] = {}
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
            learned = [param.blob for param in self.net.params.learnable]
            self.net.budget.reserve(f"the histories of {param.type}", self, rule.slots * sum(b.nbytes for b in learned))
            self.rule = rule(self.param, learned)
        except BaseException:
            self.close()
            raise
        log.info("Solver scaffolding done.")

    @property
    def smoothed_loss(self) -> float:
        return self.window.mean

    def make_snapshots(self, named_by: str | os.PathLike[str] | None) -> Snapshots:
        """How snapshots are written and read."""
        return Snapshots(self.param, named_by)

    def pooled(self, values: Sequence[float]) -> Sequence[float]:
        """What this process's losses and outputs of an iteration count as in the log: themselves."""
        return values

    def close(self) -> None:
        """Give back the files and threads of all nets."""
        for net in [self.net, *self.test_nets]:
            net.close()

    # -- training --------------------------------------------------------------------------------------

    def solve(self, resume_file: str | os.PathLike[str] | None = None) -> None:
        """Train to ``max_iter``, from the start or from a ``.solverstate``."""
        log.info("Solving %s", self.net.name)
        log.info("Learning Rate Policy: %s", self.param.lr_policy)
        self.stopped = self.leaving = False
        if resume_file is not None:
            log.info("Restoring previous solver status from %s", resume_file)
            self.restore(resume_file)
        param = self.param
        with self._in_run():
            self.step(param.max_iter - self.iter)
            due = self.snapshot_failed or not param.snapshot or self.iter % param.snapshot
            if (param.snapshot_after_train or self.leaving) and due:
                self._try_snapshot()
            if self.stopped:
                log.info("Optimization stopped early.")
                return
            with self._not_training():
                if param.display and self.iter % param.display == 0:
                    self.window.add(self.pooled([self._forward()])[0])
                    log.info("Iteration %d, loss = %g", self.iter, self.smoothed_loss)
                    for watcher in self.watchers:
                        watcher.on_display(self, Shown(self.iter, self.smoothed_loss))
                if param.test_interval and self.iter % param.test_interval == 0:
                    self.test_all()
        log.info("Optimization Done.")

    def step(self, iters: int) -> None:
        """Make ``iters`` updates, testing, displaying and snapshotting when they are due."""
        self.window, self.kept_window = self.kept_window or LossWindow(self.param.average_loss), None
        self._standing = {}
        with self._in_run():
            self._step(iters)

    def _step(self, iters: int) -> None:
        param = self.param
        self._display_time = self._display_time or time.perf_counter()
        stop = self.iter + iters
        while self.iter < stop:
            self.net.clear_param_diffs(anew=not self.on_start)
            if (param.test_interval and self.iter % param.test_interval == 0
                    and (self.iter > 0 or param.test_initialization)):
                self.test_all()
                if self.stopped:
                    self.net.clear_param_diffs()
                    break
            for run in self.on_start:
                run()
            display = bool(param.display) and self.iter % param.display == 0
            self.net.debug_info = display and param.debug_info
            loss = 0.0
            for _ in range(param.iter_size):
                loss += self._forward()
                self.net.backward()
            self.window.add(self.pooled([loss / param.iter_size])[0])
            shown = self._display() if display else None
            for run in self.on_gradients_ready:
                run()
            self.apply_update()
            for watcher in self.watchers:
                watcher.on_iteration(self)
                if shown is not None:
                    watcher.on_display(self, shown._replace(rate=self.rate))
            request = self.action()
            if request is Action.SNAPSHOT or (param.snapshot and self.iter % param.snapshot == 0):
                self._try_snapshot()
            if request in (Action.STOP, Action.LEAVE):
                self._stop(request)
                break

    def _stop(self, request: Action) -> None:
        self.stopped, self.leaving = True, self.leaving or request is Action.LEAVE

    def _forward(self) -> float:
        loss = self.net.forward()
        if self.stop_at_nan:
            finite.check_loss(self, loss)
        return loss

    def apply_update(self) -> None:
        """Clip, normalise and regularise the gradients, and take the rule's updates from the parameters."""
        param = self.param
        self.rate, self.current_step = learning_rate(param, self.iter, self.current_step)
        if param.display and self.iter % param.display == 0:
            log.info("Iteration %d, lr = %g", self.iter, self.rate)
        factor = self._clip() / param.iter_size
        self.rule.update([Step(factor, param.weight_decay * learnable.decay_mult, self.rate * learnable.lr_mult,
                               self.iter) for learnable in self.net.params.learnable])
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

    def _display(self) -> Shown:
        now = time.perf_counter()
        lapse = now - self._display_time
        speed = (self.iter - self._displayed) / (lapse or 1)
        log.info("Iteration %d (%g iter/s, %gs/%d iters), loss = %g", self.iter, speed, lapse, self.param.display,
                 self.smoothed_loss)
        self._displayed, self._display_time = self.iter, now
        outputs = _log_outputs(self.net, "Train", self.pooled([float(v) for name in self.net.outputs
                                                               for v in self.net.blobs[name].data.reshape(-1)]))
        return Shown(self.iter, self.smoothed_loss, speed=speed or None, outputs=outputs)

    # -- testing ---------------------------------------------------------------------------------------

    def test_all(self) -> None:
        """Run every test net, until somebody asks to stop."""
        with self._not_training():
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
        for batch in range(batches):
            while (request := self.action()) is not Action.NONE:
                if request is Action.SNAPSHOT:
                    self._try_snapshot()
                else:
                    self._stop(request)
            if self.stopped:
                log.info("Test interrupted.")
                return
            loss += net.forward()
            values = [float(v) for name in net.outputs for v in net.blobs[name].data.reshape(-1)]
            scores = [a + b for a, b in zip(scores, values, strict=True)] if scores else values
            for watcher in self.watchers:
                watcher.on_test_batch(self, i, batch)
        if self.param.test_compute_loss:
            log.info("Test loss: %g", loss / batches)
        means = [score / batches for score in scores]
        tested = Tested(self.iter, i, _log_outputs(net, "Test", means))
        finite.warn_of_outputs(net, i, means)
        for watcher in self.watchers:
            watcher.on_test(self, tested)

    # -- snapshots -------------------------------------------------------------------------------------

    def snapshot(self) -> str:
        """Write weights, then the state that names them; returns the state's file.

        Raises:
            SnapshotError: they cannot be written; what was there before is kept.
            DivergenceError: they are not finite.
        """
        if self.stop_at_nan:
            finite.check_weights(self)
        state = self.snapshots.write(self, self._standing or standing(self))
        self.snapshot_failed = False
        self.last_snapshot = state
        for watcher in self.watchers:
            watcher.on_snapshot(self, state)
        return state

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a ``.solverstate``, exactly where its ``.resume`` file is beside it, else as Caffe does.

        Raises:
            SnapshotError: it is missing, broken or another net's; nothing has changed then.
        """
        self.snapshots.restore(self, path)
        self.last_snapshot = os.fspath(path)
        self._displayed = self.iter

    def _try_snapshot(self) -> None:
        """A training does not end because a disk is full."""
        try:
            self.snapshot()
        except SnapshotError as error:
            log.error("%s. Training goes on; the last good snapshot: %s", error, self.last_snapshot or "none")
            self.snapshot_failed = True

    @contextmanager
    def _in_run(self) -> Iterator[None]:
        """In the block the mean loss goes on from iteration to iteration."""
        before, self.running = self.running, True
        try:
            yield
        finally:
            self.running = before

    @contextmanager
    def _not_training(self) -> Iterator[None]:
        """In the block passes are no part of the training: a snapshot made meanwhile, or after a stop in it, is of
        before it, so that whoever resumes from it does the block from its beginning."""
        before, self._standing = self._standing, self._standing or standing(self)
        yield
        if not self.stopped:
            self._standing = before

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


def _log_outputs(net: Net, kind: str, values: Sequence[float]) -> Outputs:
    """Log a net's outputs; returns them by name."""
    names = [name for name in net.outputs for _ in range(net.blobs[name].count)]
    outputs: Outputs = {}
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        weight = net.loss_weights.get(name, 0.0)
        loss = f" (* {weight:g} = {weight * value:g} loss)" if weight else ""
        log.info("    %s net output #%d: %s = %g%s", kind, i, name, value, loss)
        outputs.setdefault(name, []).append(value)
    return outputs
