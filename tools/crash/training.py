"""Trainings in processes of their own, and what they have come to."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from caffe_lite.cli import main
from caffe_lite.snapshot.resume import read_resume
from caffe_lite.snapshot.values import to_json
from tools.crash.cases import CASES, ITERATIONS

LOG = "log.txt"
SHOWN = re.compile(r"\] (?:Iteration (\d+)(?:, Testing net (\(#\d+\))| \(.*(loss) = |, (lr) = |, loss = )|"
                   r"    (T\w+ net output.*))(.*)")


def in_process(work: Callable[[], int], folder: Path) -> int:
    """Run ``work`` in a fork with ``folder`` as its working folder and its log there; returns the process's id."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        os.chdir(folder)
        log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = work()
        sys.stderr.flush()
    finally:
        os._exit(code)


def wait(process: int, seconds: float | None = None) -> int:
    """The exit code of a process, negative for a signal. It is killed after so many seconds."""
    end = time.monotonic() + (seconds if seconds is not None else 600)
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            os.kill(process, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        time.sleep(0.002)


def prepare(folder: Path, case: str, snapshot: int, iterations: int = ITERATIONS) -> None:
    """Put a case's files into a new folder."""
    folder.mkdir(parents=True)

    def write() -> int:
        solver = CASES[case](Path())
        Path("solver.prototxt").write_text(f"{solver} max_iter: {iterations} snapshot: {snapshot}\n")
        return 0

    if code := wait(in_process(write, folder)):
        raise RuntimeError(f"{folder / LOG}: the files could not be made (exit code {code})")


def train(folder: Path, *flags: str, before: Callable[[], None] = lambda: None) -> int:
    """Begin or go on with the training in a folder; returns the process's id."""

    def work() -> int:
        before()
        return main(["train", "--solver=solver.prototxt", "--snapshot=auto", *flags])

    return in_process(work, folder)


def results(folder: Path, iterations: int = ITERATIONS) -> dict[str, object]:
    """What the last snapshot holds: weights, histories, and where data and random numbers stand."""
    return {path.name: _content(path) for path in sorted(folder.glob(f"snap_iter_{iterations}.*"))}


def _content(path: Path) -> object:
    """All of a file, but for bytes of HDF5 files that mean nothing, and are whatever was in memory, and the checksums
    of those."""
    if path.suffix == ".resume":
        return {key: to_json(value) for key, value in read_resume(path).items() if key not in ("weights", "state")}
    if path.suffix != ".h5":
        return path.read_bytes()
    import h5py

    found: dict[str, bytes] = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, entry: found.update({name: entry[()].tobytes()})
                        if isinstance(entry, h5py.Dataset) and name != "learned_net" else None)
    return found


def shown(folder: Path) -> dict[tuple[str, str, int], set[str]]:
    """For each iteration what the log says of it, over all processes: one thing each, unless something is wrong."""
    found: dict[tuple[str, str, int], set[str]] = {}
    iteration, place, count = "", "", 0
    for line in (folder / LOG).read_text(errors="replace").splitlines():
        match = SHOWN.search(line)
        if match is None:
            continue
        if match[1]:
            iteration, count = match[1], 0
            place = match[2] or match[3] or match[4] or "end"
        found.setdefault((iteration, place, count), set()).add((match[5] or "") + match[6])
        count += 1
    return found
