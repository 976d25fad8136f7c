"""The parent's end of a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

from tools.bench.contestants import Contestant

ROOT = Path(__file__).resolve().parents[2]
THREADS = ("CAFFE_LITE_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Failed(Exception):
    """A contestant could not do it; the message says why."""


class Worker:
    """A contestant with a case loaded, asleep until it is told to run.

    Args:
        contestant: who.
        folder: the case's; what the worker prints goes to a file there.
        mode: of the case.
        threads: how many it may use.
        environment: further variables of its process.

    Attributes:
        first: seconds from its start to the end of the first iteration.
        memory: the most it has held so far, in bytes.

    Raises:
        Failed: it did not load.
    """

    def __init__(self, contestant: Contestant, folder: Path, mode: str, threads: int,
                 environment: Mapping[str, str] | None = None) -> None:
        self.contestant, self.memory = contestant, None
        self._log = folder / f"{contestant.name}.log"
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        variables = dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": path} | dict(environment or {})
        start = perf_counter()
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tools.bench.worker", contestant.name, str(folder), mode],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | variables)
        try:
            own = self._reply()["first"]
        except BaseException:
            self.close()
            raise
        self.first: float = perf_counter() - start if own is None else own

    def run(self, iterations: int) -> list[float]:
        """Let it run; returns its times in seconds.

        Raises:
            Failed: it ended, or could not do it.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{iterations}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed(self._last_words()) from None
        reply = self._reply()
        self.memory = reply["memory"]
        times: list[float] = reply["times"]
        return times

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()  # the end of its loop
            self._process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._last_words())
        reply: dict[str, Any] = json.loads(line)
        if "failed" in reply:
            raise Failed(reply["failed"])
        return reply

    def _last_words(self) -> str:
        """The end of what a worker that is no more has printed."""
        code = self._process.wait()
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"ended with exit code {code}" + (f": {lines[-1]}" if lines else "")
