"""Trainings on several ranks, in other processes.

As a program, under mpirun: train each solver of the arguments, and have the first rank write to ``losses.json`` for each
one the losses, whether all ranks have the same weights, and how many of them draw the same random numbers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from caffe_lite import rng, upgrade
from caffe_lite.distributed import reducer
from caffe_lite.distributed.launch import find_mpirun
from caffe_lite.distributed.ranks import joined
from caffe_lite.distributed.snapshots import checksums
from caffe_lite.errors import DependencyError
from caffe_lite.solvers import Watcher

ENVIRONMENT = {**os.environ, "CAFFE_LITE_THREADS": "1", "HYDRA_LAUNCHER": "fork"}
TIMEOUT = 120


def _missing():
    try:
        find_mpirun()
    except DependencyError as error:
        return str(error)
    return "" if find_spec("mpi4py") else "mpi4py is not installed"


needs_mpi = pytest.mark.skipif(bool(_missing()), reason=_missing())


class Losses(Watcher):
    def __init__(self):
        self.values = []

    def on_iteration(self, solver):
        self.values.append(solver.smoothed_loss)


def losses_of(solver):
    """Those of all iterations of a training."""
    losses = Losses()
    solver.watchers.append(losses)
    solver.solve()
    solver.close()
    return losses.values


def train_on(ranks, *solvers):
    """For each solver's file ``(losses, whether all ranks end with the same weights, how many draw the same numbers)``."""
    command = [find_mpirun(), "-n", str(ranks), sys.executable, __file__, *solvers]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(command, env=environment, check=True, timeout=TIMEOUT)
    return json.loads(Path("losses.json").read_text())


class Training:
    """``caffe_lite train`` on several ranks, and its log."""

    def __init__(self, *flags, solver="solver.prototxt", ranks=2):
        command = [sys.executable, "-m", "caffe_lite", "train", f"--solver={solver}", f"--ranks={ranks}", *flags]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.log = ""

    def until(self, text):
        """Read the log up to a line that holds a text; returns the line."""
        for line in self.process.stderr:
            self.log += line
            if text in line:
                return line
        raise AssertionError(f"{text} is not in the log:\n{self.log}")

    def pids(self):
        """The processes of the ranks."""
        return [int(pid) for pid in re.findall(r"rank \d+ \(process (\d+)\)", self.until("(process "))]

    def end(self):
        """The exit code, when all the log is read."""
        self.log += self.process.stderr.read()
        return self.process.wait(TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stderr.close()
        self.process.wait(TIMEOUT)


def trained(*flags, **options):
    """The log of a whole training."""
    with Training(*flags, **options) as training:
        assert training.end() == 0, training.log
        return training.log


def main(files):
    results = []
    reducer.BUCKET_BYTES = 500  # several, of a small net too
    with joined(0, False) as ranks:
        for file in files:
            solver = ranks.solver(upgrade.read_solver(file), file)
            losses = losses_of(solver)
            mine = checksums(solver)
            same = ranks.worst(int(mine != ranks.from_first(lambda mine=mine: mine))) == 0
            draw = rng.default().rand()
            results.append((losses, same, solver.world.all(draw).count(draw)))
        if ranks.rank == 0:
            Path("losses.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
