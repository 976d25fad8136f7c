"""What is passed to mpirun, and what becomes of what it says; ranks that do not fit."""

import io
import os
import sys

import pytest
from support.small_training import write_net, write_solver

from caffe_lite.commands import call_for, train
from caffe_lite.distributed import launch, mpi
from caffe_lite.distributed.mpi import World
from caffe_lite.distributed.ranks import Alone, check_count, joined
from caffe_lite.distributed.sameness import check_same, description
from caffe_lite.distributed.snapshots import check_weights, checksums
from caffe_lite.errors import DependencyError, FlagError, RanksError
from caffe_lite.solvers import read_solver

BANNER = """
===================================================================================
=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
=   PID 12219 RUNNING AT vm
=   EXIT CODE: 9
=   CLEANING UP REMAINING PROCESSES
=   YOU CAN IGNORE THE BELOW CLEANUP MESSAGES
===================================================================================
YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)
This typically refers to a problem with your application.
Please see the FAQ page for debugging suggestions
"""


def test_flags_are_passed_on():
    flags = {"ranks": 3, "solver": "a b.prototxt", "weights": "", "keep_batch": True, "strict_gpu": False, "flagfile": "x",
             "snapshot_keep": 2}
    assert list(launch.words(flags)) == ["--solver=a b.prototxt", "--keep_batch=true", "--strict_gpu=false",
                                         "--snapshot_keep=2"]


def test_what_mpirun_says_is_kept_from_the_log():
    out, told = io.StringIO(), []
    launch.pass_on(io.StringIO("one\n" + BANNER + "two\nAbort(1) on node 1\n"), out, told, pytest.fail)
    assert out.getvalue() == "one\n\ntwo\n"
    with pytest.raises(RanksError, match=r"^a rank was killed: process 12219 on vm, Killed \(signal 9\)\. The training has"):
        launch.raise_if_killed(told)
    launch.raise_if_killed(["Abort(1) on node 1"])


def test_a_reader_that_goes():
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    left = []
    launch.pass_on(io.StringIO("one\ntwo\n"), Closed(), [], lambda: left.append(1))
    assert left == [1]


def test_an_mpirun_that_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match=r"needs mpirun.*caffe_lite\[mpi\]"):
        launch.find_mpirun()
    (tmp_path / "mpirun").touch(0o755)
    assert launch.find_mpirun() == str(tmp_path / "mpirun")


def test_an_mpi_library_that_is_missing(monkeypatch):
    def need(*_):
        raise RuntimeError("cannot load MPI library\nlibmpi.so: not found")

    monkeypatch.setattr(mpi, "need", need)
    with pytest.raises(DependencyError, match=r"needs an MPI library \(cannot load MPI library\): pip install"):
        World()


@pytest.mark.parametrize("ranks", [-1, 0])
def test_numbers_of_ranks_that_cannot_be(ranks):
    with pytest.raises(FlagError, match=f"--ranks={ranks}: give how many, 1 or more"):
        launch.check_ranks(ranks)


def test_another_number_than_mpirun_has_started():
    check_count(0, 3)
    check_count(3, 3)
    with pytest.raises(FlagError, match="--ranks=2: mpirun has started 3; leave out the flag, or mpirun"):
        check_count(2, 3)


@pytest.mark.parametrize(
    ("environment", "started"),
    [({}, False), ({"SLURM_PROCID": "0"}, False), ({"PMI_RANK": "0", "PMI_SIZE": "2"}, True),
     ({"PMI_RANK": "0", "PMI_SIZE": "1"}, False), ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4"}, True),
     ({"PMIX_RANK": "0"}, True)],
)
def test_who_has_started_this(environment, started):
    assert launch.started_by_mpi(environment) == started


@pytest.mark.parametrize(("asked", "environment"), [(0, {}), (1, {"PMI_RANK": "0", "PMI_SIZE": "2"})])
def test_alone_nothing_of_mpi_is_imported(monkeypatch, asked, environment):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(os, "environ", os.environ | environment)
    with joined(asked, True, environment=environment) as ranks:
        assert isinstance(ranks, Alone)
    write_net(4)
    write_solver(max_iter=1)
    assert train.run(call_for(train.FLAGS, solver="solver.prototxt", ranks=asked)) == 0


@pytest.fixture
def solver():
    write_net(4)
    write_solver(max_iter=1)
    solver = read_solver("solver.prototxt")
    yield solver
    solver.close()


def test_descriptions_that_differ(solver):
    first = description(solver.param, solver.net, False)
    check_same(first, dict(first))
    with pytest.raises(RanksError, match=r"its net is another one .* it has 'batch_size: 5' where rank 0 has 'batch_size: 4'"):
        check_same(first | {"net": first["net"].replace("batch_size: 4", "batch_size: 5")}, first)
    with pytest.raises(RanksError, match=r"its version of caffe_lite is another one .* it has '0\.0' where"):
        check_same(first | {"version of caffe_lite": "0.0"}, first)
    with pytest.raises(RanksError, match="its --average_batch_norm is another one .* it has 'true' where rank 0 has 'false'"):
        check_same(description(solver.param, solver.net, True), first)
    with pytest.raises(RanksError, match="it has 'more' where rank 0 has 'nothing'"):
        check_same(first | {"solver": first["solver"] + "more"}, first)


def test_weights_that_have_come_to_differ(solver):
    mine = checksums(solver)
    solver.net.params.learnable[3].blob.data[0] += 1
    check_weights(solver, 1, mine, list(mine))
    with pytest.raises(RanksError, match=r"rank 2 has come to other weights than rank 0, first in ip\[1\]"):
        check_weights(solver, 2, mine, checksums(solver))
