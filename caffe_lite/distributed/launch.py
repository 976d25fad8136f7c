"""``--ranks=N``: the training once more, as N ranks on this machine. Without what computes, for it only waits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from threading import Thread
from typing import IO

from caffe_lite.errors import DependencyError, FlagError, RanksError

FORWARDED = {"SIGTERM": "SIGTERM", "SIGINT": "SIGINT", "SIGHUP": "SIGUSR1", "SIGUSR1": "SIGUSR1"}
"""What becomes of a signal for mpirun, which hands on the latter ones to the ranks, and which SIGHUP kills."""
RULE = "=" * 40  # how the lines begin that mpirun draws around what it tells
STARTED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
NOISE = ("[mpiexec@", "Abort(", "YOUR APPLICATION TERMINATED", "This typically refers", "Please see the FAQ")


def started_by_mpi(environment: Mapping[str, str]) -> bool:
    """Whether mpirun, or a scheduler in its place, has started this process as one of several."""
    sizes = [environment[name] for name in SIZES if name in environment]
    return any(name in environment for name in STARTED) and sizes[:1] != ["1"]


def launch(ranks: int, flags: Mapping[str, bool | int | float | str]) -> int:
    """Train on ``ranks`` ranks; returns the exit code.

    Args:
        flags: those of ``train``, by their names.

    Raises:
        FlagError: there cannot be so many.
        DependencyError: there is no mpirun.
        RanksError: a rank was killed.
    """
    command = [find_mpirun(), "-n", str(check_ranks(ranks)), sys.executable, "-m", "caffe_lite", "train", *words(flags)]
    environment = {"HYDRA_LAUNCHER": "fork", "HYDRA_RMK": "user", **os.environ}  # here, also where a scheduler is
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               errors="replace", start_new_session=True)
    before = {name: signal.signal(getattr(signal, name), lambda *_, other=other: process.send_signal(
        getattr(signal, other))) for name, other in FORWARDED.items() if hasattr(signal, name)}
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        told: list[str] = []
        leave = partial(process.send_signal, signal.SIGTERM)
        threads = [Thread(target=pass_on, args=(process.stdout, sys.stdout, told, leave)),
                   Thread(target=pass_on, args=(process.stderr, sys.stderr, told, leave))]
        for thread in threads:
            thread.start()
        code = process.wait()
        for thread in threads:
            thread.join()
    finally:
        process.kill()
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
    raise_if_killed(told)
    return code


def check_ranks(ranks: int) -> int:
    """Raise ``FlagError`` unless there can be so many."""
    if ranks < 1:
        raise FlagError(f"--ranks={ranks}: give how many, 1 or more")
    return ranks


def find_mpirun() -> str:
    """The program of this Python's environment, which fits its mpi4py, or else of the PATH."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    for folder in folders:
        if found := shutil.which("mpirun", path=folder):
            return found
    raise DependencyError("training on several ranks needs mpirun, which is not on the PATH: pip install "
                          "'caffe_lite[mpi]', or install an MPI of the system's")


def words(flags: Mapping[str, bool | int | float | str]) -> Iterator[str]:
    """The command line of a rank: all flags but this one and empty ones."""
    for name, value in flags.items():
        if name not in ("ranks", "flagfile") and value != "":
            yield f"--{name}={str(value).lower() if isinstance(value, bool) else value}"


def pass_on(lines: IO[str], to: IO[str], told: list[str], leave: Callable[[], object]) -> None:
    """Write what ranks write ``to`` there; what mpirun tells itself is added to ``told`` instead. When nobody reads any
    more, call ``leave``, and drop the rest."""
    inside = lost = False
    for line in lines:
        text = line.strip("\n")
        if text.startswith(RULE):
            inside = not inside
        elif inside or text.startswith(NOISE):
            told.append(text)
        elif not lost:
            try:
                to.write(line)
                to.flush()
            except OSError:
                lost = True
                leave()


def raise_if_killed(told: Iterable[str]) -> None:
    """Raise ``RanksError`` if mpirun has told of a process that a signal has killed."""
    entries = dict(line.lstrip("= ").partition(":")[::2] for line in told if ":" in line)
    place = next((line.lstrip("= ") for line in told if "PID" in line), "a process")
    how = entries.get("YOUR APPLICATION TERMINATED WITH THE EXIT STRING", "").strip()
    if how:
        place = place.replace("PID", "process").replace("RUNNING AT", "on")
        raise RanksError(f"a rank was killed: {place}, {how}. The training has ended on all; --snapshot=auto goes on "
                         "from the last snapshot")
