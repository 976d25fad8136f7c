"""Batches made ahead of time."""

import gc
import threading
import weakref

import numpy as np
import pytest

from caffe_lite.errors import DataError
from caffe_lite.sources import prefetch
from caffe_lite.sources.prefetch import PATIENCE, WINDOW, Prefetcher


class Counter:
    """Fills batches with 0, 1, 2, ... and fails at ``last``."""

    def __init__(self, last=10**9):
        self.count, self.last, self.closed = 0, last, threading.Event()

    def load(self, batch):
        if self.count == self.last:
            raise DataError("there is no more")
        batch[:] = self.count
        self.count += 1

    def close(self):
        self.closed.set()


def start(counter, ring=3, spare=True):
    return Prefetcher([np.zeros(2) for _ in range(ring)], counter.load, counter.close, spare=spare)


@pytest.mark.parametrize("ring", [1, 2, 4])
def test_batches_in_turn(ring):
    prefetcher = start(Counter(), ring)
    seen = set()
    for i in range(20):
        batch = prefetcher.next()
        assert batch.tolist() == [i, i]
        seen.add(id(batch))
    assert len(seen) == ring
    prefetcher.close()


def test_a_batch_stays_until_the_next_call():
    counter = Counter()
    prefetcher = start(counter, 2)
    first = prefetcher.next()
    while counter.count < 2:
        pass
    prefetcher.close()
    assert first.tolist() == [0, 0]
    assert counter.count == 2


def test_an_error_reaches_the_consumer_again_and_again():
    counter = Counter(last=2)
    prefetcher = start(counter)
    assert [prefetcher.next()[0] for _ in range(2)] == [0, 1]
    for _ in range(3):
        with pytest.raises(DataError, match="there is no more"):
            prefetcher.next()
    prefetcher.close()
    assert counter.closed.is_set()


def test_close_waits_for_the_thread():
    counter = Counter()
    before = threading.active_count()
    prefetcher = start(counter)
    prefetcher.next()
    prefetcher.close()
    prefetcher.close()
    assert counter.closed.is_set()
    assert threading.active_count() == before


def test_a_dropped_prefetcher_ends_its_thread():
    counter = Counter()
    prefetcher = start(counter)
    prefetcher.next()
    gone = weakref.ref(prefetcher)
    del prefetcher
    gc.collect()
    assert gone() is None
    assert counter.closed.is_set()


class Clocked(Counter):
    """Takes so long for a batch."""

    def __init__(self, now, takes):
        super().__init__()
        self.now, self.takes = now, takes

    def load(self, batch):
        super().load(batch)
        self.now[0] += self.takes


def use(prefetcher, now, count, begin):
    """Take batches, each used for a second; how many had been made before the next one was asked for."""
    ahead = set()
    for i in range(begin, begin + count):
        assert prefetcher.next().tolist() == [i, i]
        now[0] += 1
        ahead.add(prefetcher._worker.full.qsize() + prefetcher._worker.free.qsize())
    return ahead


@pytest.mark.parametrize("ring", [1, 3])
def test_without_a_core_to_spare_nothing_is_made_ahead(monkeypatch, ring):
    now = [0.0]
    monkeypatch.setattr(prefetch, "perf_counter", lambda: now[0])
    counter = Clocked(now, 0.4)
    prefetcher = start(counter, ring, spare=False)
    assert use(prefetcher, now, 5 * WINDOW, 0) == {0}
    assert counter.count == 5 * WINDOW
    prefetcher.close()


@pytest.mark.parametrize("ring", [1, 3])
def test_what_takes_long_is_made_ahead_for_longer_and_longer(monkeypatch, ring):
    now, real = [0.0], []
    monkeypatch.setattr(prefetch, "perf_counter", lambda: now[0])
    counter = Clocked(now, 0.6)
    prefetcher = start(counter, ring, spare=False)
    monkeypatch.setattr(prefetcher, "_judge", lambda slow, judge=prefetcher._judge: real.append(slow) or judge(slow))
    begin = 0
    for patience in (PATIENCE, 2 * PATIENCE):
        use(prefetcher, now, WINDOW, begin)
        assert prefetcher._ahead == patience
        use(prefetcher, now, patience + ring - 1, begin + WINDOW)  # those that are left are used before
        begin += WINDOW + patience + ring - 1
        assert prefetcher._ahead == 0
        assert counter.count == begin
    assert real == [True] * 2 * WINDOW
    prefetcher.close()


def test_who_is_interrupted_while_waiting_loses_no_batch():
    prefetcher = start(Counter(), 2)
    prefetcher.next()
    full = prefetcher._worker.full

    class Interrupted:
        def get_nowait(self):
            raise KeyboardInterrupt

    prefetcher._worker.full = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        prefetcher.next()
    prefetcher._worker.full = full
    assert [prefetcher.next()[0] for _ in range(3)] == [1, 2, 3]
    prefetcher.close()


def test_without_a_core_to_spare_there_is_no_thread():
    counter, before = Counter(last=2), threading.active_count()
    prefetcher = start(counter, spare=False)
    assert [prefetcher.next()[0] for _ in range(2)] == [0, 1]
    assert threading.active_count() == before
    for _ in range(3):
        with pytest.raises(DataError, match="there is no more"):
            prefetcher.next()
    prefetcher.close()
    assert counter.closed.is_set()


def test_begins_anew_where_it_is_told(monkeypatch):
    counter = Counter()
    prefetcher = start(counter, 3, spare=False)
    assert [prefetcher.next()[0] for _ in range(3)] == [0, 1, 2]
    prefetcher.restart(lambda: setattr(counter, "count", 7))
    assert [prefetcher.next()[0] for _ in range(5)] == [7, 8, 9, 10, 11]
    prefetcher.close()
