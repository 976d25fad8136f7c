"""``python -m tools.ranks.speed``: two ranks of one thread each against one process of two threads, of the same batch.

Rounds alternate; the best of each is shown. What a rank spends on exchanging with the others, waiting included, is
shown as a share of its time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from caffe_lite import upgrade
from caffe_lite.distributed.launch import find_mpirun
from caffe_lite.distributed.mpi import World
from caffe_lite.distributed.ranks import joined
from caffe_lite.distributed.reducer import Reducer
from tools.ranks.cases import CIFAR10, INV, ROOT, SIAMESE, write_colours, write_databases, write_training

FIELDS = {"siamese": (SIAMESE, 64, f"{INV} momentum: 0.9"),
          "CIFAR-10 full": (CIFAR10, 100, 'base_lr: 1e-6 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.004')}
"""Net, batch, solver."""
WAYS = {"1 process, 1 thread": (1, 1), "1 process, 2 threads": (1, 2), "2 ranks, 1 thread each": (2, 1)}
WARM = 10  # iterations
EXCHANGES = ((Reducer, "after_param_diffs"), (Reducer, "finish"), (World, "means"))


class Clock:
    """How long some methods have taken in all.

    Attributes:
        seconds: what they have taken.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def watch(self, owner: type, name: str) -> None:
        """Count this method from now on."""
        method: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any) -> Any:
            begin = perf_counter()
            result = method(*args)
            self.seconds += perf_counter() - begin
            return result

        setattr(owner, name, timed)


def measure(file: str, iterations: int) -> list[float]:
    """As one of the ranks, or alone: iterations/s, and the share of exchanges."""
    clock = Clock()
    for owner, name in EXCHANGES:
        clock.watch(owner, name)
    with joined(0, True) as ranks:
        solver = ranks.solver(upgrade.read_solver(file), file)
        solver.step(WARM)
        clock.seconds, begin = 0.0, perf_counter()
        solver.step(iterations)
        seconds = perf_counter() - begin
        solver.close()
    return [iterations / seconds, clock.seconds / seconds]


def run(file: str, ranks: int, threads: int, iterations: int) -> list[float]:
    """The same, of a process, or of the first of some ranks."""
    command = [sys.executable, "-m", "tools.ranks.speed", "--measure", file, "--iterations", str(iterations)]
    environment = {**os.environ, "CAFFE_LITE_THREADS": str(threads), "HYDRA_LAUNCHER": "fork"}
    done = subprocess.run([find_mpirun(), "-n", str(ranks), *command] if ranks > 1 else command, cwd=ROOT,
                          env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[0])
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.ranks.speed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--nets", nargs="+", choices=FIELDS, default=list(FIELDS))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.measure:
        print(json.dumps(measure(options.measure, options.iterations)), flush=True)
        return 0
    with tempfile.TemporaryDirectory(prefix="ranks-") as name:
        folder = Path(name)
        write_databases(folder)
        write_colours(folder)
        print("| net, batch | way | iterations/s | exchanges |\n| --- | --- | ---: | ---: |", flush=True)
        for net in options.nets:
            source, batch, fields = FIELDS[net]
            file = write_training(folder, Path(source).name, source, fields, batch, 1)
            found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
            for _ in range(options.rounds):
                for way, (ranks, threads) in WAYS.items():
                    found[way].append(run(file, ranks, threads, options.iterations))
            for way, each in found.items():
                rate, share = max(each)
                print(f"| {net}, {batch} | {way} | {rate:.1f} | {f'{share:.1%}' if share else ''} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
