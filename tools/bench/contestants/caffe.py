"""Caffe itself, from a build in ``CAFFE_ROOT``: ``caffe time`` for passes, ``caffe train`` for training.

``caffe time`` has no update and takes no weights, so that passes run with Caffe's own random ones. The inputs come
from a HDF5 file that is read once. Every run is a program of its own; what it does before its first iteration does
not count.
"""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path
from time import sleep
from typing import Any

import h5py
import numpy as np

from caffe_lite import schema
from tools.bench import caffe_log
from tools.bench.cases import ARRAYS, BACKWARD, DECAY, FORWARD, INPUTS, MOMENTUM, NET, RATE, TRAIN, WEIGHTS
from tools.bench.contestants.runner import Runner, peak_memory

DATA = "input"  # the layer's name
WATCH = 0.005  # seconds between two looks at the memory
FILLED = ("convolution_param", "inner_product_param")


def load(folder: Path, mode: str) -> Runner:
    return {FORWARD: Forward, BACKWARD: Backward, TRAIN: Training}[mode](folder)


class Program(Runner):
    """Caffe's program in a case's folder; ``peak`` is the most memory that it held in its first run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.peak: int | None = None

    def memory(self) -> int | None:
        return self.peak

    def caffe(self, *words: str, watch: bool = False) -> tuple[list[str], float]:
        """Run it; returns its log, and at which second of the day it was started.

        Raises:
            RuntimeError: it failed; the message is its own.
        """
        program, log = os.path.join(os.environ["CAFFE_ROOT"], "build/tools/caffe"), self._folder / "caffe_output.txt"
        now = datetime.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        with open(log, "wb") as file, subprocess.Popen([program, *words], cwd=self._folder, stderr=file) as process:
            while watch and process.poll() is None:
                self.peak = peak_memory(process.pid) or self.peak
                sleep(WATCH)
        lines = log.read_text(errors="replace").splitlines()
        if process.returncode:
            fatal = [line for line in lines if line.startswith("F")]
            raise RuntimeError(fatal[0] if fatal else f"{program} ended with exit code {process.returncode}")
        return lines, (now - midnight).total_seconds()


class Forward(Program):
    """``caffe time`` in phase TEST; the mean over all iterations, without the data layer's time."""

    phase, what = "TEST", "Forward pass"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        net = _net_of_hdf5(folder)
        with np.load(folder / ARRAYS) as arrays:
            for layer in net.layer:
                if layer.type == "BatchNorm":  # what it has before training would make infinities
                    count = len(arrays[f"{layer.name}:0"])
                    layer.blobs.extend(schema.array_to_blob(np.full(n, v, np.float32))
                                       for n, v in ((count, 0), (count, 1), (1, 1)))
        schema.write_text(folder / "caffe_net.prototxt", net)
        lines, start = self._time(1, watch=True)
        self.first = caffe_log.seconds_to("Performing Backward", lines, start)

    def run(self, iterations: int) -> list[float]:
        return [caffe_log.mean_time(self.what, self._time(iterations)[0], DATA)]

    def _time(self, iterations: int, watch: bool = False) -> tuple[list[str], float]:
        return self.caffe("time", "-model=caffe_net.prototxt", f"-phase={self.phase}", f"-iterations={iterations}",
                          watch=watch)


class Backward(Forward):
    """The same in phase TRAIN, with the pass back."""

    phase, what = "TRAIN", "Forward-Backward"


class Training(Program):
    """``caffe train``, which logs every iteration; its own time stamps tell how long each took."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        net = _net_of_hdf5(folder)
        for layer in net.layer:  # the weights are given: spare it drawing others
            for field in FILLED:
                if layer.HasField(field):
                    getattr(layer, field).ClearField("weight_filler")
        schema.write_text(folder / "caffe_net.prototxt", net)
        lines, start = self._train(1, watch=True)
        self.first = caffe_log.seconds_to("Iteration 0 (", lines, start)
        self.result = np.array(caffe_log.first_loss(lines))

    def run(self, iterations: int) -> list[float]:
        return caffe_log.iteration_times(self._train(iterations + 1)[0])

    def _train(self, iterations: int, watch: bool = False) -> tuple[list[str], float]:
        schema.write_text(self._folder / "caffe_solver.prototxt", schema.SolverParameter(
            net="caffe_net.prototxt", base_lr=RATE, lr_policy="fixed", momentum=MOMENTUM, weight_decay=DECAY,
            max_iter=iterations, display=1, snapshot_after_train=False, solver_mode=schema.SolverParameter.CPU))
        return self.caffe("train", "-solver=caffe_solver.prototxt", f"-weights={WEIGHTS}", watch=watch)


def _net_of_hdf5(folder: Path) -> Any:
    """The case's net with its inputs from a file."""
    net = schema.read_text(folder / NET, schema.NetParameter)
    batch = 0
    with np.load(folder / INPUTS) as inputs, h5py.File(folder / "caffe.h5", "w") as file:
        for name, values in inputs.items():
            file[name] = values
            batch = len(values)
    (folder / "caffe.txt").write_text("caffe.h5\n")
    source = net.layer[0]
    source.name, source.type = DATA, "HDF5Data"
    source.ClearField("input_param")
    source.hdf5_data_param.source, source.hdf5_data_param.batch_size = "caffe.txt", batch
    return net
