"""What ranks tell each other of their failures, with the other ranks played by the test."""

from __future__ import annotations

import pytest
from support.resuming import database_net, make

from caffe_lite.distributed.mpi import Ended, World
from caffe_lite.distributed.snapshots import FirstSnapshots, OtherSnapshots
from caffe_lite.errors import DataError, RanksError, SnapshotError
from caffe_lite.solvers.standing import standing


class Played(World):
    """A world of two ranks, of which the other one is played.

    Args:
        rank: of this one.
        theirs: what the other one says.
    """

    def __init__(self, rank, theirs):
        self.rank, self.size, self.host, self.ended, self._theirs = rank, 2, "here", False, theirs

    def all(self, value):
        return [value, self._theirs] if self.rank == 0 else [self._theirs, value]

    def to_first(self, value):
        return [value, value] if self.rank == 0 else []

    def from_first(self, make):
        return make() if self.rank == 0 else self._theirs


def fail():
    raise DataError("db is gone")


def test_why_all_of_them_end():
    """The first one tells its own error, or else another's; the others are silent."""
    assert Played(0, "").all_or_none(lambda: 3) == 3
    with pytest.raises(RanksError, match="^rank 1 of 2 on there: db is gone$"):
        Played(0, "rank 1 of 2 on there: db is gone").all_or_none(lambda: 3)
    with pytest.raises(DataError, match="^db is gone$"):
        Played(0, "rank 1 of 2 on there: no memory").all_or_none(fail)
    for step in (fail, lambda: 3):
        world = Played(1, "rank 0 of 2 on here: db is gone")
        with pytest.raises(Ended):
            world.all_or_none(step)
        assert world.ended


@pytest.fixture
def solver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database_net()
    solver = make()
    yield solver
    solver.close()


def test_a_snapshot_that_cannot_be_written_is_known_to_all(solver, tmp_path):
    (tmp_path / "snap_iter_0.caffemodel").mkdir()
    first = FirstSnapshots(solver.param, None, Played(0, ""), lambda: False)
    with pytest.raises(SnapshotError, match="^Cannot write the snapshot snap_iter_0.caffemodel: Is a directory$"):
        first.write(solver, standing(solver))
    other = OtherSnapshots(Played(1, ("", "Cannot write the snapshot x: Is a directory")))
    with pytest.raises(SnapshotError, match="^Cannot write the snapshot x: Is a directory$"):
        other.write(solver, standing(solver))
    assert OtherSnapshots(Played(1, ("snap_iter_0.solverstate", ""))).write(solver, standing(solver)) == "snap_iter_0.solverstate"
