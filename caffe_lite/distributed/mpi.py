"""What the ranks say to each other."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from math import fsum
from typing import Any, TypeVar

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import CaffeError, DependencyError, RanksError
from caffe_lite.optional import need

T = TypeVar("T")
SPIN, NAP, LONG_NAP = 0.02, 1e-4, 5e-3
"""Seconds: to look for a message without a pause, then between two looks, and while nothing is to be done for long.
MPI's own waiting takes a core all the time, which another rank or thread may need, and keeps signals from Python. But
what is exchanged goes in several steps, in turn on both sides, and naps before each would add up to milliseconds."""
YIELD: Callable[[], None] = getattr(os, "sched_yield", lambda: None)  # lets others run that want the core
WISH = 7  # the tag of what a rank asks the first one for


class Ended(SystemExit):
    """Another rank says why all of them end."""


class World:
    """All ranks of the MPI program that this process belongs to.

    Attributes:
        rank, size: which of how many this is.
        host: its machine's name.
        ended: whether all of them end, each by itself.
        exchanging, collecting: communicators of the two halves of a sum. What all ranks take part in must begin in one
            order on each, and the second halves begin when the first ones happen to be done.

    Raises:
        DependencyError: mpi4py, or the MPI library itself, is not installed.
    """

    def __init__(self) -> None:
        try:
            self._mpi = need("mpi4py.MPI", "mpi", "training on several ranks")
        except RuntimeError as error:  # mpi4py is there alone
            raise DependencyError(f"training on several ranks needs an MPI library ({str(error).splitlines()[0]}): pip "
                                  "install 'caffe_lite[mpi]', or load the system's") from None
        self._comm = self._mpi.COMM_WORLD.Dup()
        self.exchanging, self.collecting = self._comm.Dup(), self._comm.Dup()
        self.in_place: Any = self._mpi.IN_PLACE
        self.rank: int = self._comm.rank
        self.size: int = self._comm.size
        self.host = socket.gethostname()
        self.ended = False
        self._sent: list[Any] = []

    @property
    def name(self) -> str:
        return f"rank {self.rank} of {self.size} on {self.host}"

    # -- values of any kind ----------------------------------------------------------------------------

    def all(self, value: T) -> list[T]:
        """The value of every rank, in their order."""
        self._meet()
        values: list[T] = self._comm.allgather(value)
        return values

    def from_first(self, make: Callable[[], T]) -> T:
        """What ``make`` returns on the first rank; it is called only there."""
        value = make() if self.rank == 0 else None
        self._meet()
        given: T = self._comm.bcast(value)
        return given

    def to_first(self, value: T) -> list[T]:
        """On the first rank the value of every rank, elsewhere nothing."""
        self._meet()
        return self._comm.gather(value) or []

    def each_its_own(self, values: Sequence[T] | None) -> T:
        """Of the values that the first rank has the one of this rank."""
        self._meet()
        value: T = self._comm.scatter(values)
        return value

    def spread(self, array: Array) -> None:
        """Overwrite the array with that of the first rank; it is contiguous."""
        finish(self._comm.Ibcast(array))

    def means(self, wishes: int, values: Sequence[float]) -> tuple[int, list[float]]:
        """What any rank wishes, a bit for each, and for each of the values its mean over the ranks."""
        row = np.array([wishes, *values], np.float64)
        table = np.empty((self.size, len(row)), np.float64)
        finish(self._comm.Iallgather(row, table))
        together = 0
        for each in table[:, 0]:
            together |= int(each)
        return together, [fsum(column) / self.size for column in table[:, 1:].T.tolist()]

    # -- what only some ranks do -----------------------------------------------------------------------

    def all_or_none(self, step: Callable[[], T]) -> T:
        """Do what every rank does for itself. If one cannot, all end.

        Raises:
            CaffeError, OSError: on the first rank, its own error.
            RanksError: on the first rank, where another one failed.
            Ended: on the other ranks.
        """
        failure: Exception | None = None
        try:
            result = step()
        except (CaffeError, OSError, MemoryError) as error:
            failure = error
        failures = self.all("" if failure is None else f"{self.name}: {failure or type(failure).__name__}")
        if not any(failures):
            return result
        self.ended = True
        if self.rank:
            raise Ended(1)
        raise failure or RanksError(next(filter(None, failures)))

    def order(self, what: int) -> None:
        """On the first rank: tell the others, which await it, what to do."""
        finish(self._comm.Ibcast(np.array([what], np.int64)))

    def await_order(self, wish: Callable[[], int]) -> int:
        """On the other ranks: wait for the first one, and tell it what ``wish`` returns meanwhile if that is not 0."""
        what = np.zeros(1, np.int64)
        request = self._comm.Ibcast(what)
        while not request.Test():
            if wished := wish():
                self._sent.append(self._comm.isend(wished, 0, WISH))
            time.sleep(LONG_NAP)
        return int(what[0])

    def wishes(self) -> int:
        """On the first rank: what the others have told it while they waited, a bit for each."""
        together = 0
        while self._comm.Iprobe(tag=WISH):
            together |= self._comm.recv(tag=WISH)
        return together

    def end_all_with(self, code: int) -> None:
        """When this process ends, in whatever way, end the others too, wherever they are."""
        need("mpi4py.run", "mpi", "training on several ranks").set_abort_status(code)

    def threads(self) -> int:
        """How many threads each rank has: what CAFFE_LITE_THREADS says, else the cores of a machine divided among the
        ranks that may use them; of the numbers that ranks come to the least, so that all sums are cut the same way."""
        from caffe_lite.parallel import threads  # its number counts the cores

        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        given = bool(os.environ.get("CAFFE_LITE_THREADS"))
        ranks = self.all((self.host, cores, given, threads()))
        return min(count if fixed else max(1, count // sum(other[:2] == (host, own) for other in ranks))
                   for host, own, fixed, count in ranks)

    def _meet(self) -> None:
        finish(self._comm.Ibarrier())


def finish(request: Any) -> None:
    """Wait until a message has arrived."""
    patience = time.perf_counter() + SPIN
    while not request.Test():
        if time.perf_counter() > patience:
            time.sleep(NAP)
        else:
            YIELD()
