"""onnxruntime, with the model that ``caffe_lite export`` makes of the net.

The model is made by a program of its own, whose time and memory do not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

STARTED = perf_counter()

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402

from tools.bench.cases import INPUTS, NET, WEIGHTS  # noqa: E402
from tools.bench.contestants.runner import Runner, times_of  # noqa: E402

MODEL = "net.onnx"


def load(folder: Path, mode: str) -> Runner:
    start = perf_counter()
    words = [sys.executable, "-m", "caffe_lite", "export", NET, WEIGHTS, MODEL]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.splitlines()[-1])
    return Forward(folder, STARTED + perf_counter() - start)


class Forward(Runner):
    """Forward passes; ``first`` is counted from ``started``."""

    def __init__(self, folder: Path, started: float) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
        self._session = onnxruntime.InferenceSession(folder / MODEL, options, providers=["CPUExecutionProvider"])
        with np.load(folder / INPUTS) as inputs:
            self._inputs = dict(inputs)
        self.result = self._pass()[0]
        self.first = perf_counter() - started

    def _pass(self) -> list[np.ndarray]:
        outputs: list[np.ndarray] = self._session.run(None, self._inputs)
        return outputs

    def run(self, iterations: int) -> list[float]:
        return times_of(self._pass, iterations)
