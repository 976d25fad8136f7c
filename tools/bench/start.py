"""From the start of the program to the first iteration: with an empty cache of kernels, and with a full one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.sources.database import create_database
from tools.bench.cases import TRAIN, Case, prepared
from tools.bench.contestants import CONTESTANTS, OURS
from tools.bench.nets import NETS
from tools.bench.process import ROOT, Failed, Worker

SIAMESE = ROOT / "examples" / "siamese"
FIRST = "Iteration 0 ("
WARM = 3  # starts; cold there is one


def time_starts(names: Sequence[str], drawn: Path, threads: int) -> list[dict[str, Any]]:
    """Rows of ``program``, and its seconds ``cold`` and ``warm``."""
    command = [sys.executable, "-m", "caffe_lite"]
    help_only = [_seconds_to("", [*command, "--help"], ROOT, {}) for _ in range(WARM)]
    rows: list[dict[str, Any]] = [{"program": "caffe_lite --help", "cold": None, "warm": median(help_only)},
            {"program": "caffe_lite train, the tutorial's net", **_tutorial(command)}]
    rows += [{"program": f"{name}, training iteration, batch 10", **_net(name, drawn, threads)} for name in names]
    return rows


def _tutorial(command: Sequence[str]) -> dict[str, float]:
    """The tutorial's training on a small database, without the test that comes before its first iteration."""
    with TemporaryDirectory(prefix="caffe_lite_bench-") as name:
        folder = Path(name)
        net = schema.read_text(SIAMESE / "mnist_siamese_train_test.prototxt", schema.NetParameter)
        pairs = np.random.default_rng(1).integers(0, 256, (640, 2, 28, 28), np.uint8)
        with create_database(str(folder / "pairs"), "lmdb") as put:
            for i, pair in enumerate(pairs):
                put(b"%08d" % i, schema.Datum(channels=2, height=28, width=28, data=pair.tobytes(),
                                              label=i % 2).SerializeToString())
        for layer in net.layer:
            if layer.type == "Data":
                layer.data_param.source, layer.data_param.backend = "pairs", schema.DataParameter.LMDB
        schema.write_text(folder / "net.prototxt", net)
        solver = schema.read_text(SIAMESE / "mnist_siamese_solver.prototxt", schema.SolverParameter)
        solver.net, solver.snapshot, solver.test_initialization = "net.prototxt", 0, False
        schema.write_text(folder / "solver.prototxt", solver)
        train = [*command, "train", "--solver=solver.prototxt"]
        times = [_seconds_to(FIRST, train, folder, {"NUMBA_CACHE_DIR": str(folder / "cache")}) for _ in range(1 + WARM)]
    return {"cold": times[0], "warm": median(times[1:])}


def _net(name: str, drawn: Path, threads: int) -> dict[str, Any]:
    """A net's training with its inputs in memory."""
    with prepared(Case("nets", name, TRAIN, 10), NETS[name].make, drawn) as ready:
        cache = {"NUMBA_CACHE_DIR": str(ready.folder / "cache")}
        times = []
        try:
            for _ in range(1 + WARM):
                with Worker(CONTESTANTS[OURS], ready.folder, TRAIN, threads, cache) as worker:
                    times.append(worker.first)
        except Failed as error:
            return {"cold": None, "warm": None, "failed": str(error)}
    return {"cold": times[0], "warm": median(times[1:])}


def _seconds_to(text: str, command: Sequence[str], folder: Path, environment: dict[str, str]) -> float:
    """How long a program takes to write a line with ``text`` to its log, or to end; then it is ended.

    Raises:
        Failed: it ended without.
    """
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""} | environment  # what is installed has its bytecode
    start = perf_counter()
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = ""
        for line in process.stderr:
            if text and text in line:
                seconds = perf_counter() - start
                process.kill()
                return seconds
        if text or process.wait():
            raise Failed(f"{' '.join(command)} ended: {line.strip()}")
    return perf_counter() - start
