"""Ranks that die, fail, differ, or are told to go."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from support.ranks import ENVIRONMENT, TIMEOUT, Training, find_mpirun, needs_mpi, trained
from support.small_training import MIRROR, RANDOM, write_net, write_solver

from caffe_lite.solvers import read_solver

pytestmark = needs_mpi
LONG = {"max_iter": 1000000, "display": 1}


def snapshots():
    return sorted(path.name for path in Path().glob("snap*"))


def fatal(log):
    """The last lines, which say why a training has ended."""
    return [line.partition("] ")[2] for line in log.splitlines() if re.match(r"F\d{4} ", line)]


def test_a_killed_rank_and_an_exact_continuation(caplog):
    """Data, mirrored images, dropout and the statistics of BatchNorm of each rank go on as if nothing had happened."""
    write_net(4, layers=RANDOM, transform=MIRROR)
    write_solver(snapshot=30, max_iter=60)
    trained()
    weights = Path("snap_iter_60.caffemodel").read_bytes()
    for name in snapshots():
        os.unlink(name)
    write_solver(snapshot=30, **LONG)
    with Training() as training:
        _, victim = training.pids()
        training.until("Snapshotting solver state")
        training.until("Iteration")  # it is whole
        os.kill(victim, signal.SIGKILL)
        begin = time.monotonic()
        assert training.end() == 1
        assert time.monotonic() - begin < 10
    [line] = fatal(training.log)
    assert re.match(rf"a rank was killed: process {victim} on .+, Killed \(signal 9\). The training has ended on all", line)
    newest = max(int(re.sub(r"\D", "", name)) for name in snapshots() if name.endswith(".solverstate"))
    for name in snapshots():
        if newest > 30 and str(newest) in name:
            os.unlink(name)
    write_solver(snapshot=30, max_iter=60)
    log = trained("--snapshot=auto")
    assert "go on from snap_iter_30.resume" in log
    assert Path("snap_iter_60.caffemodel").read_bytes() == weights

    with caplog.at_level("WARNING"):
        solver = read_solver("solver.prototxt")
        solver.restore("snap_iter_60.solverstate")
        solver.close()
    assert "snap_iter_60.resume was written by 2 rank(s), and 1 train(s) now. As in Caffe, data begin anew" in caplog.text


def test_sigterm_on_any_rank_ends_all_with_one_snapshot():
    write_net(4)
    write_solver(**LONG)
    with Training() as training:
        _, rank = training.pids()
        training.until("Iteration 3")
        os.kill(rank, signal.SIGTERM)
        time.sleep(0.1)  # mpirun and a scheduler may both hand it on
        with suppress(ProcessLookupError):
            os.kill(rank, signal.SIGTERM)
        assert training.end() == 143
    assert [Path(name).suffix for name in snapshots()] == [".caffemodel", ".resume", ".solverstate"]
    assert not fatal(training.log)
    assert training.log.count("Snapshotting solver state") == 1


def test_requests_while_the_first_rank_tests():
    """SIGHUP, which is for a snapshot, to a rank and to the launcher, and then SIGTERM."""
    write_net(4)
    write_solver(test_iter=100000000, test_interval=3, test_initialization="false", **LONG)
    with Training() as training:
        _, rank = training.pids()
        training.until("Testing net")
        os.kill(rank, signal.SIGHUP)
        training.until("Snapshotting solver state")
        time.sleep(1.2)  # so that it is no echo
        training.process.send_signal(signal.SIGHUP)
        training.until("Snapshotting solver state")
        training.process.terminate()
        assert training.end() == 143
    assert "Test interrupted." in training.log
    assert {re.sub(r"\D", "", name) for name in snapshots()} == {"3"}
    assert training.log.count("Snapshotting solver state") == 3


def test_ranks_that_differ_do_not_begin():
    write_net(4)
    write_net(5, name="other.prototxt")
    write_solver()
    write_solver("other_solver.prototxt", net='"other.prototxt"', max_iter=51)
    train = [sys.executable, "-m", "caffe_lite", "train", "--solver"]
    command = [find_mpirun(), "-n", "1", *train, "solver.prototxt", ":", "-n", "1", *train, "other_solver.prototxt"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 1
    [line] = fatal(done.stderr)
    assert re.match(r"rank 1 of 2 on \S+: its solver is another one than that of rank 0: it has "
                    "'max_iter: 51' where rank 0 has 'max_iter: 50'; give all ranks the same", line)


@pytest.mark.parametrize("of", ["all", "rank 1"])
def test_errors_are_told_once(of):
    """A net that no rank can build, and what fails on one later."""
    write_net(4)
    write_solver()
    if of == "all":
        Path("net.prototxt").write_text(Path("net.prototxt").read_text().replace('"Convolution"', '"Convolusion"'))
    else:
        text = Path("net.prototxt").read_text()
        layer = ('layer { name: "python" type: "Python" bottom: "t" top: "none" python_param { module: "fails" layer: '
                 '"Fails" } }')
        Path("net.prototxt").write_text(text + layer)
        Path("fails.py").write_text("import os, caffe\n"
                                    "class Fails(caffe.Layer):\n"
                                    "    def setup(self, bottom, top): self.passes = 0\n"
                                    "    def reshape(self, bottom, top): top[0].reshape(1)\n"
                                    "    def forward(self, bottom, top):\n"
                                    "        self.passes += 1\n"
                                    "        if self.passes == 5 and os.environ['PMI_RANK'] == '1':\n"
                                    "            raise FileNotFoundError(2, 'no such thing', 'x')\n")
    with Training() as training:
        assert training.end() == 1
    [line] = fatal(training.log)
    expected = "layer 'conv': unknown layer type: 'Convolusion'" if of == "all" else r"rank 1 of 2 on \S+: layer 'python' .* failed:"
    assert re.match(expected, line), line
