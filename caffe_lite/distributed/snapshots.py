"""Snapshots of a training on several ranks: the first one writes what all of them need to go on.

In the ``.resume`` file stands as ``ranks`` for each rank after the first where it stands, as the rest of the file tells
it of the first. What BatchNorm stores is each rank's own, unless it is averaged, but nothing that a rank computes in
training depends on it; after a continuation all have the first one's.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from caffe_lite.distributed.mpi import World
from caffe_lite.errors import RanksError, SnapshotError
from caffe_lite.layers import Layer
from caffe_lite.solvers import Action
from caffe_lite.solvers.snapshots import Snapshots
from caffe_lite.solvers.standing import stand

if TYPE_CHECKING:
    from caffe_lite.solvers import Solver


class FirstSnapshots(Snapshots):
    """Those of the first rank.

    Args:
        param: the ``SolverParameter``.
        named_by: the file it was read from.
        world: the ranks.
        testing: whether the others await an order.
    """

    def __init__(self, param: Any, named_by: str | os.PathLike[str] | None, world: World,
                 testing: Callable[[], bool]) -> None:
        super().__init__(param, named_by)
        self.ranks = world.size
        self._world, self._testing = world, testing

    def write(self, solver: Solver, standing: dict[str, Any]) -> str:
        """Write the snapshot of all ranks, each of which calls this.

        Raises:
            SnapshotError: on every rank, if it cannot be written.
            RanksError: the ranks' weights have come to differ.
        """
        world, state, failure = self._world, "", ""
        if self._testing():
            world.order(Action.SNAPSHOT.value)
        sums = checksums(solver)
        entries = world.to_first((sums, standing))
        for rank, (theirs, _) in enumerate(entries):
            check_weights(solver, rank, sums, theirs)
        others = [each for _, each in entries[1:]]
        try:
            state = super().write(solver, {**standing, "ranks": others})
        except SnapshotError as error:
            failure = str(error)
        world.from_first(lambda: (state, failure))
        if failure:
            raise SnapshotError(failure)
        return state

    def restore(self, solver: Solver, path: str | os.PathLike[str]) -> None:
        body = self._restore(solver, path)
        spread_state(solver, self._world)
        self._world.each_its_own([{}, *body.get("ranks", [{}] * (self.ranks - 1))])


class OtherSnapshots(Snapshots):
    """Those of the other ranks, which write and read nothing."""

    def __init__(self, world: World) -> None:
        self.prefix, self.keep, self.ranks = "", 0, world.size
        self._world = world

    def write(self, solver: Solver, standing: dict[str, Any]) -> str:
        world = self._world
        world.to_first((checksums(solver), standing))
        state, failure = world.from_first(lambda: ("", ""))
        if failure:
            raise SnapshotError(failure)
        return state

    def restore(self, solver: Solver, path: str | os.PathLike[str]) -> None:
        spread_state(solver, self._world)
        entry: dict[str, Any] = self._world.each_its_own(None)
        if entry:
            stand(solver, entry)


def spread_state(solver: Solver, world: World) -> None:
    """Give all ranks the first one's weights, histories and iteration."""
    for layer in solver.net.layers:
        for blob in layer.blobs:
            world.spread(blob.data.reshape(-1))
    for array in solver.rule.history:
        world.spread(array.reshape(-1))
    solver.iter, solver.current_step = world.from_first(lambda: (solver.iter, solver.current_step))


def checksums(solver: Solver) -> list[int]:
    """One for each parameter that learns."""
    return [zlib.crc32(layer.blobs[j].data.data) for layer, j in _learning(solver)]


def check_weights(solver: Solver, rank: int, mine: list[int], theirs: list[int]) -> None:
    """Raise ``RanksError`` if checksums differ."""
    for (layer, j), own, other in zip(_learning(solver), mine, theirs, strict=True):
        if own != other:
            raise RanksError(f"rank {rank} has come to other weights than rank 0, first in {layer.name}[{j}]: is there "
                             "another processor, or are there other libraries? Go on from the last snapshot without it")


def _learning(solver: Solver) -> list[tuple[Layer, int]]:
    return [(layer, j) for layer in solver.net.layers for j, learns in enumerate(layer.param_propagate_down) if learns]
