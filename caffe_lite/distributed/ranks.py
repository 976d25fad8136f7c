"""What a command knows of the ranks that it is one of."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Protocol, TypeVar

from caffe_lite import parallel, rng
from caffe_lite.distributed.launch import started_by_mpi
from caffe_lite.distributed.mpi import World
from caffe_lite.errors import CaffeError, FlagError
from caffe_lite.share import Share, within
from caffe_lite.solvers import Solver

log = logging.getLogger(__name__)
T = TypeVar("T")
INTERRUPTED = 130  # 128 + SIGINT, as a shell has it


class Ranks(Protocol):
    """Those that train together. ``rank`` counts from 0; the first one logs, tests and writes snapshots. A signal that
    comes once more within ``echo`` seconds is the same, handed on by mpirun and a scheduler."""

    rank: int
    echo: float

    def all_or_none(self, step: Callable[[], T]) -> T:
        """Do what every rank does for itself; if one cannot, all end."""

    def from_first(self, make: Callable[[], T]) -> T:
        """What ``make`` returns on the first rank."""

    def solver(self, param: Any, named_by: str) -> Solver:
        """The solver of this rank."""

    def worst(self, code: int) -> int:
        """The highest exit code of all."""


class Alone:
    """One process that trains for itself."""

    rank = 0
    echo = 0.0

    def all_or_none(self, step: Callable[[], T]) -> T:
        return step()

    def from_first(self, make: Callable[[], T]) -> T:
        return make()

    def solver(self, param: Any, named_by: str) -> Solver:
        return Solver(param, named_by=named_by)

    def worst(self, code: int) -> int:
        return code


class Together:
    """Several ranks."""

    echo = 1.0

    def __init__(self, world: World, average_batch_norm: bool) -> None:
        self._world, self.rank, self._average_batch_norm = world, world.rank, average_batch_norm
        if hasattr(signal, "SIGUSR1"):  # in the place of SIGHUP, which mpirun does not hand on
            signal.signal(signal.SIGUSR1, lambda *_: os.kill(os.getpid(), signal.SIGHUP))
        parallel.set_threads(world.threads())
        places = world.all((world.host, world.rank, os.getpid()))
        log.info("Training on %d ranks of %d thread(s) each", world.size, parallel.threads())
        for host, at in groupby(places, lambda place: place[0]):
            log.info("On %s: %s", host, ", ".join(f"rank {rank} (process {pid})" for _, rank, pid in at))

    def all_or_none(self, step: Callable[[], T]) -> T:
        return self._world.all_or_none(step)

    def from_first(self, make: Callable[[], T]) -> T:
        return self._world.from_first(make)

    def solver(self, param: Any, named_by: str) -> Solver:
        from caffe_lite.distributed.solver import RankSolver

        world = self._world
        seed = world.from_first(lambda: param.random_seed if param.random_seed >= 0 else rng.default().rand())
        rng.set_random_seed(seed)  # one seed, so that all shuffle data the same way
        solver = world.all_or_none(lambda: RankSolver(param, named_by, world, self._average_batch_norm))
        solver.join(param, seed)
        return solver

    def worst(self, code: int) -> int:
        return max(self._world.all(code))


@contextmanager
def joined(asked: int, divided: bool, average_batch_norm: bool = False,
           environment: Mapping[str, str] = os.environ) -> Iterator[Ranks]:
    """The ranks that train together while the block runs; an error that ends it here ends it everywhere.

    Args:
        asked: how many, 0 for as many as there are; with 1 this process trains alone, whoever has started it.
        divided: the batch sizes in the prototxt are those of all ranks together.
        average_batch_norm: what BatchNorm layers store are means over the ranks.

    Raises:
        FlagError: there are more or fewer.
        DependencyError: there are several, and mpi4py is missing.
    """
    if asked == 1 or not started_by_mpi(environment):
        yield Alone()
        return
    world = World()
    if world.size == 1:
        yield Alone()
        return
    if world.rank:
        logging.getLogger("caffe_lite").setLevel(logging.CRITICAL)
    try:
        world.all_or_none(lambda: check_count(asked, world.size))
        with within(Share(world.rank, world.size, divided)):
            yield Together(world, average_batch_norm)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # all are at their end; it would only look like a failure
    except BaseException as error:
        if world.ended:
            raise
        world.end_all_with(INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1)
        if isinstance(error, CaffeError):
            raise type(error)(f"{world.name}: {error}") from error
        raise


def check_count(asked: int, found: int) -> None:
    """Raise ``FlagError`` unless there are as many ranks as were asked for."""
    if asked not in (0, found):
        raise FlagError(f"--ranks={asked}: mpirun has started {found}; leave out the flag, or mpirun")
