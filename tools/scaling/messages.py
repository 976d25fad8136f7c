"""A rank that sends and adds up without training: ``mpirun -n N python -m tools.scaling.messages --output FILE``.

Of two ranks and more it measures how long a message takes, how many a second there can be, how far one gets while
nobody looks, and how long the reducer takes for a bucket. The first rank writes it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.distributed.mpi import World
from caffe_lite.distributed.reducer import Bucket
from caffe_lite.files import atomic_write

SIZES = (64, 1 << 12, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24)
MANY, LARGE = 200, 8 << 20  # messages at once; bytes of the one that looks are counted of
PAUSE = 0.005  # seconds between two looks: far longer than a system's buffers take to empty
ENOUGH = 0.3  # seconds for one size


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.scaling.messages", description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="bytes of a message, of a bucket")
    options = parser.parse_args(argv)
    world = World()
    found = {"ranks": world.size, **times(world, options.sizes)}
    if world.rank == 0:
        with atomic_write(options.output) as file:
            file.write(json.dumps(found).encode())


def times(world: World, sizes: Sequence[int]) -> dict[str, Any]:
    """Seconds of one way for each size, and of a sum over all ranks; seconds a small message; bytes a look."""
    comm = world.exchanging
    return {"one way": [[size, one_way(world, comm, size)] for size in sizes],
            "sum": [[size, one_sum(world, size)] for size in sizes],
            "message": a_message(world, comm), "copying": a_copy(world), "unattended": a_look(world, comm)}


def one_way(world: World, comm: Any, size: int) -> float:
    """Half of what a message takes there and back."""
    values = np.zeros(size, np.uint8)

    def there_and_back() -> None:
        if world.rank == 0:
            comm.Send(values, 1)
            comm.Recv(values, 1)
        elif world.rank == 1:
            comm.Recv(values, 0)
            comm.Send(values, 0)

    return _median(world, there_and_back) / 2


def one_sum(world: World, size: int) -> float:
    """The reducer for one bucket, while nothing else is done."""
    bucket = Bucket([Blob((size // 4,), np.float32)], world, 0)

    def add_up() -> None:
        bucket.start()
        bucket.sum()
        bucket.collect()

    return _median(world, add_up)


def a_message(world: World, comm: Any) -> float:
    """A small message among many that are under way."""
    values = np.zeros((MANY, 8), np.uint8)

    def send_many() -> None:
        if world.rank < 2:
            begin = comm.Isend if world.rank == 0 else comm.Irecv
            requests = [begin(row, 1 - world.rank) for row in values]
            for request in requests:
                request.Wait()

    return _median(world, send_many) / MANY


def a_copy(world: World) -> float:
    """A byte that is packed."""
    values, packed = np.ones(LARGE // 4, np.float32), np.ones(LARGE // 4, np.float32)
    return _median(world, lambda: np.copyto(packed, values)) / LARGE


def a_look(world: World, comm: Any) -> float:
    """How many bytes of a large message move at each look, when there is a pause before it."""
    values = np.zeros(LARGE, np.uint8)
    looks = 1
    if world.rank < 2:
        request = (comm.Isend if world.rank == 0 else comm.Irecv)(values, 1 - world.rank)
        while not request.Test():
            time.sleep(PAUSE)
            looks += 1
    return LARGE / max(world.all(looks))


def _median(world: World, run: Callable[[], object]) -> float:
    """The median time of a step that several ranks take together; all know when it is enough."""
    found: list[float] = []
    begin = perf_counter()
    while world.from_first(lambda: len(found) < 5 or (perf_counter() < begin + ENOUGH and len(found) < 200)):
        start = perf_counter()
        run()
        found.append(perf_counter() - start)
    return median(found)


if __name__ == "__main__":
    main()
