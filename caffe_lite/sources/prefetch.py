"""Batches made ahead of time by a thread."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

SHARE = 0.5  # of the time in which a batch is used: making it may take that, or is done ahead
WINDOW, PATIENCE = 8, 64  # batches after which to decide, and those to be made ahead then
B = TypeVar("B")


class Prefetcher(Generic[B]):
    """Makes batches in a thread, and as Caffe's BasePrefetchingDataLayer does keeps a ring of them full.

    But where all cores compute, such a thread gets in the way of the others, which wait for each other: the siamese
    tutorial's 0.8 ms of reading then cost 3. So without a core to spare ``next`` itself makes the batch, which spares
    two threads their waking too; unless that takes longer than half of the time in which batches are used, when reading
    ahead is as fast again, or faster where it waits for a disk.

    The thread begins when it has something to do, so that until then it can still be said where batches come from. It
    ends when the prefetcher is closed or dropped, or the interpreter exits.

    Args:
        batches: the ring; they are filled in turn and used again.
        load: fills a batch, mostly in the thread. It must not know the prefetcher, which then is never dropped.
        close: called at the end, when the thread is done.
        spare: whether there is a core for the thread alone.
    """

    def __init__(self, batches: Sequence[B], load: Callable[[B], None], close: Callable[[], None], *,
                 spare: bool = True) -> None:
        self._worker = _Worker(load, close)
        self._batches, self._idle = list(batches), list(batches)
        self._current: B | None = None
        self._failure: BaseException | None = None
        self._spare, self._ahead, self._patience = spare, 0, PATIENCE
        self._made = self._slow = 0  # batches when asked for, of those that took long
        self._left = perf_counter()
        self.close = weakref.finalize(self, self._worker.close)

    def next(self) -> B:
        """The next batch, which stays as it is until the next call.

        Raises:
            Exception: what ``load`` raised, from then on at each call.
            KeyboardInterrupt: perhaps in the middle of ``load``; ``restart`` says where to go on.
        """
        if self._failure is not None:
            raise self._failure
        asked = perf_counter()
        if self._current is not None:
            self._idle.append(self._current)
            self._current = None
        if self._hand_out():
            self._current = self._await()
        else:
            self._current = self._make()
            self._judge(perf_counter() - asked > SHARE * (asked - self._left))
        self._left = perf_counter()
        return self._current

    def restart(self, change: Callable[[], None]) -> None:
        """Forget what was made ahead, and begin anew after ``change``, which may say where batches come from."""
        self._worker.stop()
        self._current = self._failure = None
        self._idle = list(self._batches)
        change()

    def _hand_out(self) -> bool:
        """Have the thread fill all batches that are idle, if it is to read ahead; whether the next one is its."""
        if self._spare or self._ahead:
            self._ahead = max(0, self._ahead - 1)
            self._worker.start()
            while self._idle:
                self._worker.free.put(self._idle.pop(0))
        return len(self._idle) < len(self._batches)  # some may be left from before

    def _make(self) -> B:
        try:
            self._worker.load(self._idle[-1])
        except Exception as failure:
            self._failure = failure
            raise
        return self._idle.pop()

    def _await(self) -> B:
        try:
            got = self._worker.full.get_nowait()
        except Empty:
            log.debug("Waiting for data")
            got = self._worker.full.get()
        if isinstance(got, BaseException):
            self._failure = got  # whatever it is: the thread has ended
            raise got
        return got

    def _judge(self, slow: bool) -> None:
        """Read ahead for some time if making batches takes long, each time for twice as long."""
        self._made, self._slow = self._made + 1, self._slow + slow
        if self._made == WINDOW:
            if 2 * self._slow > WINDOW:
                self._ahead, self._patience = self._patience, 2 * self._patience
            self._made = self._slow = 0


class _Worker(Generic[B]):
    """The thread, while there is one."""

    def __init__(self, load: Callable[[B], None], close: Callable[[], None]) -> None:
        self.load, self._close = load, close
        self._thread: threading.Thread | None = None
        self._stopping = self._closing = False
        self.free: SimpleQueue[B | None] = SimpleQueue()
        self.full: SimpleQueue[B | BaseException] = SimpleQueue()

    def start(self) -> None:
        """Begin, unless it has."""
        if self._thread is not None:
            return
        self.free, self.full, self._stopping = SimpleQueue(), SimpleQueue(), False
        # A daemon, for only then does the interpreter come to the finalizer, which waits for its end.
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the thread's end."""
        self._stopping = True
        self.free.put(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        if self._thread is threading.current_thread():  # a garbage collection in the thread has dropped the prefetcher
            self._stopping = self._closing = True
            self.free.put(None)
        else:
            self.stop()
            self._close()

    def _work(self) -> None:
        try:
            while (batch := self.free.get()) is not None and not self._stopping:
                self.load(batch)
                self.full.put(batch)
        except BaseException as error:
            self.full.put(error)
        finally:
            if self._closing:
                self._close()
