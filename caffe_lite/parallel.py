"""Both cores: a kernel's outer loop cut into one piece a thread.

Kernels are compiled without the GIL, so plain Python threads run them at the same time. Compared with
numba's own ``parallel=True`` this compiles three times faster, knows no threading layer that must not be
entered twice or forked, and cuts the work the same way every time: results depend on the thread count alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from caffe_lite.errors import ParameterError

Step = list[tuple[Callable[..., Any], tuple[Any, ...]]]
"""What is done at the same time: for each thread that has something to do a function and its arguments."""


FINER = 16  # times that a compiled sequence hands over work faster

# In looks of 10 to 50 nanoseconds: how long to wait before sleeping, and the time the other side needs to get into its
# kernel (to call a compiled function with all its arguments), or out of the queue.
PATIENCE, START_GRACE, END_GRACE = 40_000, 200, 40


class PerThread:
    """An argument of which every thread gets its own: scratch memory, a partial sum."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items


class Prepared(PerThread):
    """Such an argument that is made of parameters, and kept for the passes to come.

    Attributes:
        times: how often Python has made it, which may be in another way; what repeats its calls does not count.
    """

    __slots__ = ("times",)

    def __init__(self, items: Sequence[Any]) -> None:
        super().__init__(items)
        self.times = 0


class Preparation(Step):
    """A step that overwrites ``made``, in most cases with what it makes of parameters alone."""

    def __init__(self, step: Step, made: PerThread) -> None:
        super().__init__(step)
        self.made = made


class Workspace:
    """Scratch memory for the layers of a net, which run one at a time and so can all use the same.

    What it holds is lost when another layer runs.

    Args:
        keeps: what is made of parameters gets memory of its own, so that it need not be made for each pass.
    """

    def __init__(self, keeps: bool = False) -> None:
        self.keeps = keeps
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

    def prepared(self, name: str, size: int, dtype: Any, forward: bool) -> PerThread:
        """The same for what is made of parameters: ``Prepared`` if it is kept, which it never is for a pass back."""
        from caffe_lite.aligned import zeros

        if forward and self.keeps:
            return Prepared([zeros(size, dtype)] * threads())
        return self.shared(name, size, dtype)


def parallel_for(kernel: Callable[..., Any], count: int, *args: Any, grain: int = 1,
                 makes: PerThread | None = None) -> None:
    """Run ``kernel(begin, end, *args)`` over ``range(count)``, one contiguous piece a thread.

    Args:
        kernel: a nogil kernel that does the range ``begin`` to ``end`` of its outer loop.
        args: the kernel's further arguments; of a ``PerThread`` piece ``i`` gets item ``i``.
        grain: the fewest items worth a thread, where handing work over costs 10 to 20 microseconds. Compiled sequences
            hand over in less than one: work is cut finer for them, and the pieces are done one after the other here.
        makes: what it overwrites, if that is made of parameters alone or lies where such things do at other times.
    """
    pieces = max(1, min(threads(), count // max(1, grain // FINER)))
    step = [(kernel, (count * i // pieces, count * (i + 1) // pieces, *_own(args, i))) for i in range(pieces)]
    if count < 2 * grain:
        for _, own in step:
            kernel(*own)
    else:
        run_step(step)
    _note(step, makes)


def call(function: Callable[..., Any], *args: Any, makes: PerThread | None = None) -> None:
    """Run ``function(*args)`` here, as a step of the pass: ``record`` writes it down as a whole."""
    outer, _recording.steps = getattr(_recording, "steps", None), None
    try:
        function(*args)
    finally:
        _recording.steps = outer
    _note([(function, args)], makes)


def record(function: Callable[..., Any], *args: Any) -> list[Step]:
    """Run ``function(*args)`` and return what ``parallel_for`` and ``call`` did in it; ``run_step`` does it again."""
    steps: list[Step] = []
    _recording.steps = steps
    try:
        function(*args)
    finally:
        _recording.steps = None
    return steps


def run_step(step: Step) -> None:
    """Run all parts of a step, each on a thread of its own, and wait for them."""
    function, args = step[0]
    if len(step) == 1:
        function(*args)
        return
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    workers = _start(step[1:], done)
    failure: BaseException | None = None
    try:
        function(*args)
    except BaseException as error:
        failure = error
    for worker, ended in workers:  # even after a failure: the others still write into our arrays
        if done.empty():
            worker.await_end(ended)
        failure = done.get() or failure
    if failure is not None:
        raise failure


@dataclass(frozen=True)
class Program:
    """Kernels that ``kernels/sequence.py`` runs one after another.

    Attributes:
        address: of its words.
        threads: how many it needs.
        arrays: what lies at that address, and what it points to.
    """

    address: int
    threads: int
    arrays: tuple[Any, ...]


def run_program(program: Program) -> None:
    """Run it, on as many threads as it needs, and wait for them.

    Raises:
        RuntimeError: one of its kernels failed.
    """
    from caffe_lite.kernels.sequence import run_calls

    done: SimpleQueue[BaseException | None] = SimpleQueue()
    serving, following = _start_program(program, done)
    run_calls(0, program.address)
    for worker in serving:
        worker.await_served(program)
    for worker, ended in following:
        if done.empty():
            worker.await_end(ended)
        done.get()
    if program.arrays[0][3]:
        program.arrays[0][3] = 0
        raise RuntimeError("a kernel failed")


def threads() -> int:
    """How many threads a kernel is spread over."""
    global _threads
    if _threads is None:
        asked = os.environ.get("CAFFE_LITE_THREADS", "")
        if asked and (not asked.isdigit() or int(asked) < 1):
            raise ParameterError(f"CAFFE_LITE_THREADS={asked!r} is not a number of threads: give 1 or more")
        _threads = int(asked) if asked else _cores()
    return _threads


def spare_core(processes: int = 1) -> bool:
    """Whether a core is left when so many processes compute on as many threads each as this one."""
    return processes * threads() < _cores()


def set_threads(count: int) -> None:
    """Spread kernels over ``count`` threads; layers that are set up already keep their scratch memory, so
    this comes before the first net."""
    global _threads
    if count < 1:
        raise ParameterError(f"{count} threads cannot compute anything: give 1 or more")
    _threads = count


def _note(step: Step, makes: PerThread | None) -> None:
    if isinstance(makes, Prepared):
        makes.times += 1
    if makes is not None:
        step = Preparation(step, makes)
    steps = getattr(_recording, "steps", None)
    if steps is not None:
        steps.append(step)


def _own(args: tuple[Any, ...], piece: int) -> list[Any]:
    return [a.items[piece] if isinstance(a, PerThread) else a for a in args]


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


class _Worker:
    """A thread that runs kernels, one after the other.

    The queues alone decide what is done. But to wake a sleeping thread takes 50 to 100 microseconds, as long as a
    small layer, and a thread that finds the GIL taken sleeps too. So whoever waits looks at a counter for a while
    before it sleeps, and when that has moved gives the other side time to let go of the GIL. Meanwhile it takes
    programs, which need no GIL, out of its mail.
    """

    def __init__(self, number: int) -> None:
        import numpy as np  # here: it and numba load slowly, and not every command computes

        from caffe_lite.kernels import sequence, spin

        self._number, self._spin, self._sequence = number, spin.spin, sequence
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._started, self._ended, self._mail = np.zeros((3, 32), np.int64)  # each in cache lines of its own
        self._mail[0] = -1
        self._places = self._mail.ctypes.data, self._started.ctypes.data
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

    def serve(self, program: Program) -> bool:
        """Begin with a program at once, if nothing else is to be done and nobody sleeps."""
        return bool(self._started[0] == self._ended[0] and self._sequence.post(self._places[0], program.address))

    def await_served(self, program: Program) -> None:
        """Return when that has ended."""
        self._sequence.await_served(self._places[0], program.address)

    def _work(self) -> None:
        while True:
            started = int(self._started[0])
            if self._inbox.empty():
                self._wait(started)
            function, args, done = self._inbox.get()
            try:
                function(*args)
            except BaseException as error:
                done.put(error)
            else:
                done.put(None)
            self._ended[0] += 1
            del function, args, done  # hold no array of a finished kernel while waiting

    def _wait(self, started: int) -> None:
        if self._sequence.POSSIBLE:
            self._mail[0] = 0
            self._sequence.serve(self._number, *self._places, started, PATIENCE, START_GRACE)
        else:
            self._spin(self._started, started, PATIENCE, START_GRACE)


def _start(jobs: Step, done: SimpleQueue[BaseException | None]) -> list[tuple[_Worker, int]]:
    """Hand out jobs; those of several callers in one order on all threads, since jobs may wait for each other."""
    with _lock:
        return [(worker, worker.start(*job, done)) for worker, job in zip(_workers(len(jobs)), jobs, strict=True)]


def _start_program(program: Program, done: SimpleQueue[BaseException | None]
                   ) -> tuple[list[_Worker], list[tuple[_Worker, int]]]:
    """The same for a program: who begins with it at once, and who takes it for a job."""
    from caffe_lite.kernels.sequence import run_calls

    with _lock:
        workers = _workers(program.threads - 1)
        serving = [worker for worker in workers if worker.serve(program)]
        return serving, [(worker, worker.start(run_calls, (i, program.address), done))
                         for i, worker in enumerate(workers, 1) if worker not in serving]


def _workers(count: int) -> list[_Worker]:
    while len(_pool) < count:
        _pool.append(_Worker(len(_pool) + 1))
    return _pool[:count]


_recording = threading.local()
_threads: int | None = None
_lock = threading.Lock()
_pool: list[_Worker] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.clear)  # threads do not cross a fork
