"""A rank of a training that is recorded: ``mpirun -n N python -m tools.scaling.training NET --output FILE``.

The net is one of the benchmark's, its inputs in memory, so that nothing is measured but the passes, the sums and the
update. The first rank writes what all have recorded.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import caffe_lite.distributed.reducer as reducing
from caffe_lite import parallel, schema
from caffe_lite.distributed.mpi import World
from caffe_lite.distributed.solver import RankSolver
from caffe_lite.files import atomic_write
from caffe_lite.net import Net
from tools.bench.nets import NETS
from tools.bench.weights import SEED, fill_inputs
from tools.scaling.recorder import Recorder, Span

WARM = 4  # iterations before those that are recorded: until the passes are written down


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.scaling.training", description=__doc__)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1, help="of a rank")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(argv)
    parallel.set_threads(options.threads)
    world = World()
    found = world.to_first(record(world, options.net, options.batch, options.iterations))
    if found:
        recording = {"net": options.net, "batch": options.batch, "threads": options.threads, **found[0],
                     "ranks": [rank["spans"] for rank in found]}
        del recording["spans"]
        with atomic_write(options.output) as file:
            file.write(json.dumps(recording).encode())


def record(world: World, name: str, batch: int, iterations: int) -> dict[str, Any]:
    """Train; returns the layers' names, the bytes of the buckets, and for each iteration its spans."""
    net = NETS[name].make(batch, True)
    solver = RankSolver(schema.SolverParameter(train_net_param=net, base_lr=1e-9, lr_policy="fixed", momentum=0.9,
                                               weight_decay=0.0005, random_seed=SEED), None, world)
    fill_inputs(solver.net, np.random.default_rng(SEED + world.rank))
    solver.step(1)  # makes what is recorded
    recorder = Recorder()
    buckets = solver._reducer._buckets
    numbers = {id(bucket): i for i, bucket in enumerate(buckets)}
    watch(recorder, solver, numbers)
    solver.step(WARM)
    kept = []
    for _ in range(iterations):
        world.all(None)  # begin together
        recorder.spans.clear()
        solver.step(1)
        kept.append(list(recorder.spans))
    return {"layers": solver.net.layer_names, "buckets": [int(bucket._values.nbytes) for bucket in buckets],
            "spans": kept}


def watch(recorder: Recorder, solver: RankSolver, numbers: dict[int, int]) -> None:
    """Record what the parts of an iteration do; ``numbers`` are the buckets', by identity."""

    def number(bucket: Any) -> int:
        return numbers[id(bucket)]

    recorder.wrap(solver, "_step", "iteration")
    recorder.wrap(Net, "forward", "forward")
    solver.net.after_param_diffs.insert(0, lambda i: recorder.note("backward", i))
    for method in ("start", "sum", "collect"):
        recorder.wrap(reducing.Bucket, method, method, number)
    recorder.wrap(reducing.Bucket, "is_exchanged", "look", number)
    recorder.wrap(reducing, "finish", "wait")
    recorder.wrap(solver, "pooled", "pooled")
    recorder.wrap(solver, "apply_update", "update")


def parse(recording: dict[str, Any]) -> dict[str, Any]:
    """What ``main`` writes, with ``Span`` values."""
    return {**recording, "ranks": [[[Span(*span) for span in spans] for spans in rank] for rank in recording["ranks"]]}


if __name__ == "__main__":
    main()
