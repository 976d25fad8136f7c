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

    The thread ends when the prefetcher is closed or dropped, or the interpreter exits.

    Args:
        batches: the ring; they are filled in turn and used again.
        load: fills a batch, in the thread. It must not know the prefetcher, which then is never dropped.
        close: called at the end, in the thread.
    """

    def __init__(self, batches: Sequence[B], load: Callable[[B], None], close: Callable[[], None]) -> None:
        self._free: SimpleQueue[B | None] = SimpleQueue()
        self._full: SimpleQueue[B | BaseException] = SimpleQueue()
        self._current: B | None = None
        self._failure: BaseException | None = None
        for batch in batches:
            self._free.put(batch)
        stop = threading.Event()
        # A daemon, for only then does the interpreter come to the finalizer, which waits for its end.
        thread = threading.Thread(
            target=_work, args=(load, close, self._free, self._full, stop), name="prefetch", daemon=True
        )
        self.close = weakref.finalize(self, _end, thread, self._free, stop)
        thread.start()

    def next(self) -> B:
        """The next batch, which stays as it is until the next call.

        Raises:
            Exception: what ``load`` raised, from then on at each call.
        """
        if self._failure is not None:
            raise self._failure
        if self._current is not None:
            self._free.put(self._current)
            self._current = None
        try:
            got = self._full.get_nowait()
        except Empty:
            log.debug("Waiting for data")
            got = self._full.get()
        if isinstance(got, BaseException):
            self._failure = got
            raise got
        self._current = got
        return got


def _work(
    load: Callable[[B], None],
    close: Callable[[], None],
    free: SimpleQueue[B | None],
    full: SimpleQueue[B | BaseException],
    stop: threading.Event,
) -> None:
    try:
        while (batch := free.get()) is not None and not stop.is_set():
            load(batch)
            full.put(batch)
    except BaseException as error:
        full.put(error)
    finally:
        close()


def _end(thread: threading.Thread, free: SimpleQueue[B | None], stop: threading.Event) -> None:
    stop.set()
    free.put(None)
    if thread is not threading.current_thread():  # a garbage collection in the thread may have dropped us
        thread.join()
