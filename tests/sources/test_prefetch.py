"""Batches made ahead of time."""

import gc
import threading
import weakref

import numpy as np
import pytest

from caffe_lite.errors import DataError
from caffe_lite.sources.prefetch import Prefetcher


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


def start(counter, ring=3):
    return Prefetcher([np.zeros(2) for _ in range(ring)], counter.load, counter.close)


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
