"""Batches made ahead of time by a thread."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

B = TypeVar("B")


class Prefetcher(Generic[B]):
    """Keeps a ring of batches full, as Caffe's BasePrefetchingDataLayer does.

    The thread begins with the first ``next``, so that until then it can still be said where batches come from. It ends
    when the prefetcher is closed or dropped, or the interpreter exits.

    Args:
        batches: the ring; they are filled in turn and used again.
        load: fills a batch, in the thread. It must not know the prefetcher, which then is never dropped.
        close: called at the end, when the thread is done.
    """

    def __init__(self, batches: Sequence[B], load: Callable[[B], None], close: Callable[[], None]) -> None:
        self._worker = _Worker(batches, load, close)
        self._current: B | None = None
        self._failure: BaseException | None = None
        self.close = weakref.finalize(self, self._worker.close)

    def next(self) -> B:
        """The next batch, which stays as it is until the next call.

        Raises:
            Exception: what ``load`` raised, from then on at each call.
        """
        if self._failure is not None:
            raise self._failure
        self._worker.start()
        if self._current is not None:
            self._worker.free.put(self._current)
            self._current = None
        try:
            got = self._worker.full.get_nowait()
        except Empty:
            log.debug("Waiting for data")
            got = self._worker.full.get()
        if isinstance(got, BaseException):
            self._failure = got
            raise got
        self._current = got
        return got

    def restart(self, change: Callable[[], None]) -> None:
        """Forget what was made ahead, and begin anew after ``change``, which may say where batches come from."""
        self._worker.stop()
        self._current = self._failure = None
        change()


class _Worker(Generic[B]):
    """The thread, while there is one."""

    def __init__(self, batches: Sequence[B], load: Callable[[B], None], close: Callable[[], None]) -> None:
        self._batches, self._load, self._close = list(batches), load, close
        self._thread: threading.Thread | None = None
        self._stopping = self._closing = False
        self.free: SimpleQueue[B | None] = SimpleQueue()
        self.full: SimpleQueue[B | BaseException] = SimpleQueue()

    def start(self) -> None:
        """Begin, unless it has."""
        if self._thread is not None:
            return
        self.free, self.full, self._stopping = SimpleQueue(), SimpleQueue(), False
        for batch in self._batches:
            self.free.put(batch)
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
                self._load(batch)
                self.full.put(batch)
        except BaseException as error:
            self.full.put(error)
        finally:
            if self._closing:
                self._close()
