"""``python -m tools.crash.endurance``: a long training, and what it takes of memory, open files and threads meanwhile.

The siamese tutorial's net (``examples/siamese``) on pairs of random pictures, a snapshot every 100 iterations, the last
3 kept, a test every 500. Where it has not stopped growing after the first fifth, the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from caffe_lite import schema
from caffe_lite.solvers import Solver
from caffe_lite.sources.database import create_database

SIAMESE = Path(__file__).parents[2] / "examples" / "siamese"
PAIRS, SIDE = 1013, 28
GROWTH = 1.05  # of memory, after a fifth of the training, that counts as none


class Usage(NamedTuple):
    """After so many iterations the memory in MB, open files, threads."""

    iteration: int
    memory: float
    files: int
    threads: int


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.crash.endurance", description=__doc__)
    parser.add_argument("--iterations", type=int, default=50_000)
    parser.add_argument("--snapshot", type=int, default=100)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="endurance-") as folder:
        os.chdir(folder)
        solver = _solver(options.iterations, options.snapshot)
        print("| iteration | minutes | MB | open files | threads |\n| ---: | ---: | ---: | ---: | ---: |", flush=True)
        used = _train(solver, options.iterations)
        solver.close()
        kept = len(list(Path(folder).glob("snap_iter_*.solverstate")))
        os.chdir("/")
    print(f"{options.iterations // options.snapshot} snapshots, {kept} kept; peak memory "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    later = used[len(used) // 5 :]
    print(f"from iteration {later[0].iteration} on: {_span(use.memory for use in later)} MB, "
          f"{_span(use.files for use in later)} open files, {_span(use.threads for use in later)} threads")
    settled, last = later[0], later[-1]
    flat = last.memory <= GROWTH * settled.memory and last.files <= settled.files and last.threads <= settled.threads
    print("nothing grows" if flat else "it GROWS")
    return 0 if flat else 1


def _span(numbers: Iterable[float]) -> str:
    """From the least to the greatest."""
    texts = [f"{number:.4g}" for number in sorted(numbers)]
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} to {texts[-1]}"


def _train(solver: Solver, iterations: int) -> list[Usage]:
    """Train in twenty parts, and measure after each."""
    used, begin = [], time.monotonic()
    part = max(1, iterations // 20)
    while solver.iter < iterations:
        solver.step(min(part, iterations - solver.iter))
        used.append(_usage(solver.iter))
        minutes = (time.monotonic() - begin) / 60
        print(f"| {solver.iter} | {minutes:.1f} | {used[-1].memory:.1f} | {used[-1].files} | {used[-1].threads} |",
              flush=True)
    return used


def _usage(iteration: int) -> Usage:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    memory = int(status["VmRSS"].split()[0]) / 1024
    return Usage(iteration, memory, len(os.listdir("/proc/self/fd")), int(status["Threads"]))


def _solver(iterations: int, snapshot: int) -> Solver:
    gen = np.random.default_rng(0)
    with create_database("db", "leveldb") as put:
        for i in range(PAIRS):
            pixels = gen.integers(0, 256, (2, SIDE, SIDE), np.uint8)
            datum = schema.Datum(channels=2, height=SIDE, width=SIDE, data=pixels.tobytes(), label=i % 2)
            put(b"%08d" % i, datum.SerializeToString())
    net = schema.read_text(SIAMESE / "mnist_siamese_train_test.prototxt", schema.NetParameter)
    for layer in net.layer:
        if layer.HasField("data_param"):
            layer.data_param.source = "db"
    schema.write_text("net.prototxt", net)
    param = schema.read_text(SIAMESE / "mnist_siamese_solver.prototxt", schema.SolverParameter)
    param.net, param.max_iter, param.snapshot, param.snapshot_prefix = "net.prototxt", iterations, snapshot, "snap"
    del param.test_iter[:]
    param.test_iter.append(10)
    solver = Solver(param, named_by="solver.prototxt")
    solver.snapshots.keep = 3
    return solver


if __name__ == "__main__":
    sys.exit(main())
