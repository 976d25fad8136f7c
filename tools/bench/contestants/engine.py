"""This project."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.solvers import Solver, Watcher
from tools.bench.cases import BACKWARD, DECAY, FORWARD, INPUTS, MOMENTUM, NET, RATE, TRAIN, WEIGHTS
from tools.bench.contestants.runner import Runner, times_of


def load(folder: Path, mode: str) -> Runner:
    return {FORWARD: Forward, BACKWARD: Backward, TRAIN: Training}[mode](folder)


class Forward(Runner):
    """Forward passes of the deployed net."""

    def __init__(self, folder: Path) -> None:
        self._net = Net.from_file(folder / NET, schema.TEST, weights=str(folder / WEIGHTS))
        fill(self._net, folder)
        self._net.forward()
        self.result = self._net.blobs[self._net.outputs[0]].data.copy()

    def run(self, iterations: int) -> list[float]:
        return times_of(self._net.forward, iterations)


class Backward(Runner):
    """Forward and backward, of a net that learns: gradients are computed anew each time."""

    def __init__(self, folder: Path) -> None:
        self._net = Net.from_file(folder / NET, schema.TRAIN, weights=str(folder / WEIGHTS))
        fill(self._net, folder)
        self.result = np.array(self._iterate())

    def _iterate(self) -> float:
        self._net.clear_param_diffs(anew=True)
        loss = self._net.forward()
        self._net.backward()
        return loss

    def run(self, iterations: int) -> list[float]:
        return times_of(self._iterate, iterations)


class Training(Runner):
    """Iterations of the solver: forward, backward, update."""

    def __init__(self, folder: Path) -> None:
        self._solver = Solver(schema.SolverParameter(
            train_net=str(folder / NET), weights=[str(folder / WEIGHTS)], base_lr=RATE, lr_policy="fixed",
            momentum=MOMENTUM, weight_decay=DECAY, snapshot_after_train=False))
        fill(self._solver.net, folder)
        self._solver.step(1)
        self.result = np.array(self._solver.smoothed_loss)

    def run(self, iterations: int) -> list[float]:
        ends = [perf_counter()]
        self._solver.watchers = [Stopwatch(ends)]
        self._solver.step(iterations)
        return [b - a for a, b in pairwise(ends)]


class Stopwatch(Watcher):
    """Notes the time at which each iteration ends."""

    def __init__(self, ends: list[float]) -> None:
        self._ends = ends

    def on_iteration(self, solver: Solver) -> None:
        self._ends.append(perf_counter())


def fill(net: Net, folder: Path) -> None:
    """Give the net the case's inputs."""
    for name, values in np.load(folder / INPUTS).items():
        net.blobs[name].data[...] = values
