"""OpenCV's DNN module, which reads Caffe's files."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from tools.bench.cases import INPUTS, NET, WEIGHTS
from tools.bench.contestants.runner import Runner, times_of


def load(folder: Path, mode: str) -> Runner:
    cv2.setNumThreads(int(os.environ["OMP_NUM_THREADS"]))
    return Forward(folder)


class Forward(Runner):
    """Forward passes; the input is handed over once."""

    def __init__(self, folder: Path) -> None:
        self._net = cv2.dnn.readNetFromCaffe(str(folder / NET), str(folder / WEIGHTS))
        for name, values in np.load(folder / INPUTS).items():
            self._net.setInput(values, name)
        self.result = np.array(self._net.forward())

    def run(self, iterations: int) -> list[float]:
        return times_of(self._net.forward, iterations)
