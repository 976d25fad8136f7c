"""Trainings that are told to go, or whose readers and terminals go; and several at one database."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from support.databases import digit_records, digits, make_database

from caffe_lite.cli import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals and terminals")

NET = """
name: "small"
layer { name: "data" type: "Data" top: "x" top: "t" transform_param { mirror: true scale: 0.01 }
        data_param { source: "db" batch_size: 2 backend: BACKEND } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.001 lr_policy: "fixed" display: 200 max_iter: 1000000 snapshot_prefix: "snap" random_seed: 1
test_iter: 1 test_interval: 100000
"""
COMMAND = [sys.executable, "-m", "caffe_lite", "train", "--solver=solver.prototxt"]


@pytest.fixture(params=["lmdb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> Path:
    monkeypatch.chdir(tmp_path)
    make_database("db", digit_records(digits(7), [i % 3 for i in range(7)]), backend)
    Path("net.prototxt").write_text(NET.replace("BACKEND", backend.upper()))
    Path("solver.prototxt").write_text(SOLVER)
    return tmp_path


class Training:
    """A training in another process, and its log."""

    def __init__(self, *flags: str) -> None:
        self.process = subprocess.Popen([*COMMAND, *flags], stderr=subprocess.PIPE, text=True)
        self._read: SimpleQueue[str] = SimpleQueue()
        self._reader = threading.Thread(target=self._drain, daemon=True)  # a pipe that nobody empties stops who writes
        self._reader.start()
        self.lines: Iterator[str] = iter(self._read.get, "")

    def _drain(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._read.put(line)
        self._read.put("")

    def until(self, text: str) -> str:
        return next(line for line in self.lines if text in line)

    def __enter__(self) -> Training:
        self.until("Iteration 0, lr")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()


def snapshots() -> list[str]:
    return sorted(re.sub(r"_\d+", "", path.name) for path in Path().glob("snap*"))


TRIPLE = ["snap_iter.caffemodel", "snap_iter.resume", "snap_iter.solverstate"]


@pytest.mark.parametrize("more", ["", "snapshot_after_train: false"])
def test_sigterm_snapshots_and_leaves(more: str) -> None:
    Path("solver.prototxt").write_text(SOLVER + more)
    with Training() as training:
        training.process.terminate()
        training.until("Snapshotting solver state")
        assert [line.partition("] ")[2].strip() for line in training.lines] == [
            "Optimization stopped early.", "Optimization Done."]
        assert training.process.wait(30) == 143
    assert snapshots() == TRIPLE


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_twice_is_at_once(number: int, code: int) -> None:
    """In the middle of an iteration that does not end, and nothing half written stays."""
    Path("slow.py").write_text("import time, caffe\n"
                               "class Slow(caffe.Layer):\n"
                               "    def setup(self, bottom, top): pass\n"
                               "    def reshape(self, bottom, top): top[0].reshape(1)\n"
                               "    def forward(self, bottom, top): print('slow', flush=True); time.sleep(100)\n"
                               "    def backward(self, *args): pass\n")
    text = Path("net.prototxt").read_text()
    Path("net.prototxt").write_text(text + 'layer { name: "slow" type: "Python" top: "s" python_param { module: "slow" layer: "Slow" } }')
    Path("solver.prototxt").write_text(SOLVER + "test_initialization: false")
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"slow\n"
        process.send_signal(number)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(30) == code
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert snapshots() == []


def test_a_pipe_that_closes() -> None:
    """As with ``train 2>&1 | head``: nobody reads on, and nothing is lost."""
    process = subprocess.Popen(COMMAND, stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        next(line for line in process.stderr if b"Iteration 0, lr" in line)
        process.stderr.close()
        assert process.wait(30) == 141
    finally:
        process.kill()
        process.wait()
    assert snapshots() == TRIPLE


def test_a_terminal_that_goes() -> None:
    """The system sends SIGHUP, and what is written to the terminal fails from then on; training goes on."""
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    process = subprocess.Popen(COMMAND, stdin=follower, stdout=follower, stderr=follower, start_new_session=True)
    os.close(follower)
    try:
        text = b""
        while b"Iteration 0, lr" not in text:
            text += os.read(leader, 4096)
        os.close(leader)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: snapshots() == TRIPLE)
        time.sleep(0.2)
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 143
    finally:
        process.kill()
        process.wait()
    assert snapshots() == sorted([*TRIPLE, *TRIPLE])


def wait_for(condition: object) -> None:
    end = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_disk_that_the_log_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    Path("solver.prototxt").write_text(SOLVER.replace("max_iter: 1000000", "max_iter: 3"))
    # the first lines are written before the training, where a full disk is an error as it is for any command
    program = ("import os, sys; from caffe_lite.solvers import Solver; from caffe_lite.cli import main; init = Solver.__init__\n"
               "def then_full(*args, **kwargs):\n"
               "    init(*args, **kwargs); os.dup2(os.open('/dev/full', os.O_WRONLY), 2)\n"
               "Solver.__init__ = then_full; sys.exit(main(['train', '--solver=solver.prototxt']))")
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False, stderr=subprocess.DEVNULL)
    assert done.returncode == 0
    assert snapshots() == TRIPLE


@pytest.mark.parametrize("backend", ["leveldb", "lmdb"], indirect=True)
def test_two_trainings_and_a_test_at_one_database(capfd: pytest.CaptureFixture[str]) -> None:
    with Training() as first:
        os.kill(first.process.pid, signal.SIGHUP)
        first.until("Snapshotting solver state")
        Path("solver.prototxt").write_text(SOLVER.replace("max_iter: 1000000", "max_iter: 4").replace('"snap"', '"other"'))
        assert main(["train", "--solver=solver.prototxt"]) == 0
        wait_for(lambda: snapshots() == TRIPLE)
        [weights] = Path().glob("snap*.caffemodel")
        assert main(["test", "--model=net.prototxt", f"--weights={weights}", "--iterations=4"]) == 0
        assert first.process.poll() is None
        first.process.terminate()
        assert first.process.wait(30) == 143
    assert "loss = " in capfd.readouterr().err
