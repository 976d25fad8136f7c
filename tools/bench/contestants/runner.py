"""What every contestant gives back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any

from caffe_lite.blob import Array


class Runner:
    """A case that is ready to run: loaded, and run once.

    Attributes:
        first: seconds from the start of its program to the end of the first iteration, where that is not this process.
        result: what tells whether it computes what the others do: the output of a forward pass, the loss of the first
            training iteration; ``None`` where it cannot say.
    """

    first: float | None = None
    result: Array | None = None

    def run(self, iterations: int) -> list[float]:
        """Run that often; returns times in seconds, one an iteration or one mean over all."""
        raise NotImplementedError

    def memory(self) -> int | None:
        """The most memory that the program has held so far, in bytes; ``None`` where nobody can tell."""
        return peak_memory()


def times_of(iterate: Callable[[], Any], iterations: int) -> list[float]:
    """The seconds that each of several calls takes."""
    times = []
    for _ in range(iterations):
        start = perf_counter()
        iterate()
        times.append(perf_counter() - start)
    return times


def peak_memory(process: int | None = None) -> int | None:
    """The most resident memory of a process, of this one where none is named, in bytes; ``None`` where nobody can tell.

    On Linux what getrusage says of a process counts its parent's too.
    """
    if sys.platform == "linux":
        with suppress(OSError), open(f"/proc/{process or 'self'}/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")), None)
        return None
    try:
        import resource
    except ImportError:  # Windows
        return None
    return None if process else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
