"""Both cores: a kernel's outer loop cut into one piece a thread.

Kernels are compiled without the GIL, so plain Python threads run them at the same time. Compared with
numba's own ``parallel=True`` this compiles three times faster, knows no threading layer that must not be
entered twice or forked, and cuts the work the same way every time: results depend on the thread count alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any

from caffe_lite.errors import ParameterError

# In looks of 10 to 50 nanoseconds: how long to wait before sleeping, and the time the other side needs to get into its
# kernel (to call a compiled function with all its arguments), or out of the queue.
PATIENCE, START_GRACE, END_GRACE = 40_000, 200, 40


class PerThread:
    """An argument of which every thread gets its own: scratch memory, a partial sum."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items


class Workspace:
    """Scratch memory for the layers of a net, which run one at a time and so can all use the same.

    What it holds is lost when another layer runs.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[str, Any], PerThread] = {}

    def per_thread(self, name: str, size: int, dtype: Any) -> PerThread:
        """For every thread a flat array of at least ``size`` elements; one of a name grows for who asks for more."""
        import numpy as np

        from caffe_lite.aligned import zeros

        parts = self._parts.setdefault((name, np.dtype(dtype)), PerThread(()))
        if not parts.items or len(parts.items[0]) < size:
            parts.items = [zeros(size, dtype) for _ in range(threads())]
        return parts

    def shared(self, name: str, size: int, dtype: Any) -> PerThread:
        """The same, but one array that all threads write to."""
        import numpy as np

        from caffe_lite.aligned import zeros

        parts = self._parts.setdefault((f"shared {name}", np.dtype(dtype)), PerThread(()))
        if not parts.items or len(parts.items[0]) < size:
            parts.items = [zeros(size, dtype)] * threads()
        return parts


def parallel_for(kernel: Callable[..., Any], count: int, *args: Any, grain: int = 1) -> None:
    """Run ``kernel(begin, end, *args)`` over ``range(count)``, one contiguous piece a thread.

    Args:
        kernel: a nogil kernel that does the range ``begin`` to ``end`` of its outer loop.
        args: the kernel's further arguments; of a ``PerThread`` piece ``i`` gets item ``i``.
        grain: the fewest items worth a thread; handing work over costs 10 to 20 microseconds.
    """
    pieces = max(1, min(threads(), count // max(1, grain)))
    if pieces == 1:
        kernel(0, count, *_own(args, 0))
        return
    bounds = [count * i // pieces for i in range(pieces + 1)]
    workers = _workers(pieces - 1)
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    ended = [workers[i - 1].start(kernel, bounds[i], bounds[i + 1], _own(args, i), done) for i in range(1, pieces)]
    failure: BaseException | None = None
    try:
        kernel(0, bounds[1], *_own(args, 0))
    except BaseException as error:
        failure = error
    for i in range(1, pieces):  # even after a failure: the others still write into our arrays
        if done.empty():
            workers[i - 1].await_end(ended[i - 1])
        failure = done.get() or failure
    if failure is not None:
        raise failure


def threads() -> int:
    """How many threads a kernel is spread over."""
    global _threads
    if _threads is None:
        asked = os.environ.get("CAFFE_LITE_THREADS", "")
        if asked and (not asked.isdigit() or int(asked) < 1):
            raise ParameterError(f"CAFFE_LITE_THREADS={asked!r} is not a number of threads: give 1 or more")
        _threads = int(asked) if asked else _cores()
    return _threads


def set_threads(count: int) -> None:
    """Spread kernels over ``count`` threads; layers that are set up already keep their scratch memory, so
    this comes before the first net."""
    global _threads
    if count < 1:
        raise ParameterError(f"{count} threads cannot compute anything: give 1 or more")
    _threads = count


def _own(args: tuple[Any, ...], piece: int) -> list[Any]:
    return [a.items[piece] if type(a) is PerThread else a for a in args]


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


class _Worker:
    """A thread that runs kernels, one after the other.

    The queues alone decide what is done. But to wake a sleeping thread takes 50 to 100 microseconds, as long as a
    small layer, and a thread that finds the GIL taken sleeps too. So whoever waits looks at a counter for a while
    before it sleeps, and when that has moved gives the other side time to let go of the GIL.
    """

    def __init__(self, number: int) -> None:
        import numpy as np  # here: it and numba load slowly, and not every command computes

        from caffe_lite.kernels.spin import spin

        self._spin = spin
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._started, self._ended = np.zeros(8, np.int64), np.zeros(8, np.int64)  # a cache line each
        threading.Thread(target=self._work, name=f"kernel-{number}", daemon=True).start()

    def start(self, *job: Any) -> int:
        """Hand over a job; returns what ``await_end`` wants to know."""
        ended = int(self._ended[0])
        self._inbox.put(job)
        self._started[0] += 1
        return ended

    def await_end(self, ended: int) -> None:
        """Return about when the job is done, which may still be running: this spares its queue the sleep."""
        self._spin(self._ended, ended, PATIENCE, END_GRACE)

    def _work(self) -> None:
        while True:
            started = int(self._started[0])
            if self._inbox.empty():
                self._spin(self._started, started, PATIENCE, START_GRACE)
            kernel, begin, end, args, done = self._inbox.get()
            try:
                kernel(begin, end, *args)
            except BaseException as error:
                done.put(error)
            else:
                done.put(None)
            self._ended[0] += 1
            del kernel, args, done  # hold no array of a finished kernel while waiting


def _workers(count: int) -> list[_Worker]:
    with _lock:
        while len(_pool) < count:
            _pool.append(_Worker(len(_pool) + 1))
        return _pool


_threads: int | None = None
_lock = threading.Lock()
_pool: list[_Worker] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.clear)  # threads do not cross a fork
