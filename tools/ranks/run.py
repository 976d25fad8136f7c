"""``python -m tools.ranks.run SOLVER...``, under mpirun or alone: train each solver, and tell how it went.

The first rank writes a JSON list with an object for each solver: ``losses`` of every iteration, and with an entry of
every rank ``weights``, a checksum; ``draws``, its next random number; ``stored``, what BatchNorm layers have stored.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np

from caffe_lite import rng, upgrade
from caffe_lite.distributed import reducer
from caffe_lite.distributed.ranks import Ranks, joined
from caffe_lite.distributed.solver import RankSolver
from caffe_lite.net import Net
from caffe_lite.solvers import Solver, Watcher
from caffe_lite.solvers.rules.base import Rule

T = TypeVar("T")


class Losses(Watcher):
    """The losses of all iterations."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_iteration(self, solver: Solver) -> None:
        self.values.append(solver.smoothed_loss)


def losses_of(solver: Solver) -> list[float]:
    """Train, and return the loss of every iteration."""
    losses = Losses()
    solver.watchers.append(losses)
    solver.solve()
    solver.close()
    return losses.values


def train(file: str, ranks: Ranks) -> dict[str, Any]:
    """Train as a file says; returns what is written."""
    solver = ranks.solver(upgrade.read_solver(file), file)
    losses = losses_of(solver)
    weights = b"".join(learnable.blob.data.tobytes() for learnable in solver.net.params.learnable
                       if learnable.lr_mult)
    stored = [blob.data.tolist() for blob in reducer.stored_statistics(solver.net)]
    return {"losses": losses, "weights": each(solver, zlib.crc32(weights)),
            "draws": each(solver, rng.default().rand()), "stored": each(solver, stored)}


def each(solver: Solver, value: T) -> list[T]:
    """The value of every rank."""
    return solver.world.all(value) if isinstance(solver, RankSolver) else [value]


@contextmanager
def in_double() -> Iterator[None]:
    """Nets and solvers that are made in the block compute in float64."""
    with patch.dict(Net.__init__.__kwdefaults__, dtype=np.float64), \
            patch.object(Rule.__init__, "__defaults__", (np.float64,)):
        yield


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.ranks.run", description=__doc__)
    parser.add_argument("solvers", nargs="+")
    parser.add_argument("--output", default="ranks.json")
    parser.add_argument("--average_batch_norm", action="store_true")
    parser.add_argument("--double", action="store_true", help="compute in float64, where rounding is small")
    parser.add_argument("--bucket", type=int, default=reducer.BUCKET_BYTES, help="the bytes that leave together")
    options = parser.parse_args(argv)
    reducer.BUCKET_BYTES = options.bucket
    with in_double() if options.double else nullcontext(), joined(0, False, options.average_batch_norm) as ranks:
        results = [train(file, ranks) for file in options.solvers]
        if ranks.rank == 0:
            Path(options.output).write_text(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
