"""Trainings on several ranks, in other processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from caffe_lite.distributed.launch import find_mpirun
from caffe_lite.errors import DependencyError

ENVIRONMENT = {**os.environ, "CAFFE_LITE_THREADS": "1", "HYDRA_LAUNCHER": "fork"}
TIMEOUT = 120


def _missing():
    try:
        find_mpirun()
    except DependencyError as error:
        return str(error)
    return "" if find_spec("mpi4py") else "mpi4py is not installed"


needs_mpi = pytest.mark.skipif(bool(_missing()), reason=_missing())


def train_on(ranks, *solvers, flags=()):
    """What ``tools.ranks.run`` tells of each solver's file, with several buckets of a small net too."""
    command = [find_mpirun(), "-n", str(ranks), sys.executable, "-m", "tools.ranks.run", "--bucket=500", *flags, *solvers]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(command, env=environment, check=True, timeout=TIMEOUT)
    return json.loads(Path("ranks.json").read_text())


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
