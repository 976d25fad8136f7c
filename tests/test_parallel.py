"""Work spread over threads: all of it is done once, failures arrive, and callers do not disturb each other."""

import threading
import time

import numpy as np
import pytest

from caffe_lite import parallel
from caffe_lite.errors import ParameterError
from caffe_lite.parallel import PerThread, call, parallel_for, record, run_step, set_threads, threads


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(parallel, "_threads", 3)


def add_one(begin, end, out, mine):
    mine.append((begin, end))
    out[begin:end] += 1


@pytest.mark.parametrize(("count", "grain", "pieces"), [(0, 1, 1), (1, 1, 1), (2, 1, 2), (10, 1, 3), (10, 96, 1), (10, 80, 2)])
def test_every_item_once(count, grain, pieces):
    for pause in (0, 0.2):  # 0.2 s: the workers have gone to sleep
        time.sleep(pause)
        out, mine = np.zeros(count), [[] for _ in range(3)]
        parallel_for(add_one, count, out, PerThread(mine), grain=grain)
        assert (out == 1).all()
        assert [len(m) for m in mine] == [1] * pieces + [0] * (3 - pieces)


def test_small_pieces_stay_on_this_thread():
    def kernel(begin, end, seen):
        seen.append((begin, end, threading.current_thread().name))

    seen, here = [], threading.current_thread().name
    parallel_for(kernel, 10, seen, grain=6)
    assert seen == [(0, 3, here), (3, 6, here), (6, 10, here)]
    seen.clear()
    parallel_for(kernel, 12, seen, grain=6)
    assert len({name for _, _, name in seen}) == 3


def test_a_recording_holds_all_calls_in_order():
    out, mine, sizes = np.zeros(7), [[] for _ in range(3)], []

    def inner():
        parallel_for(add_one, 7, out, PerThread(mine))

    def work():
        parallel_for(add_one, 7, out, PerThread(mine))
        call(sizes.append, 4)
        call(inner)  # counts as one call
        out[...] *= 2  # goes unnoticed: a pass that is recorded does nothing of the kind

    steps = record(work)
    assert [len(step) for step in steps] == [3, 1, 1]
    assert out.tolist() == [4] * 7
    assert sizes == [4]
    for step in steps:
        run_step(step)
    assert out.tolist() == [6] * 7
    assert sizes == [4, 4]
    assert [len(m) for m in mine] == [4, 4, 4]


def test_a_recording_ends_with_a_failure_and_hears_its_own_thread_only():
    with pytest.raises(ZeroDivisionError):
        record(lambda: 1 // 0)
    other = threading.Thread(target=lambda: call(list))

    def work():
        other.start()
        other.join()
        call(dict)

    assert [step[0][0] for step in record(work)] == [dict]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failure_arrives_after_all_are_done(failing):
    done = []

    def kernel(begin, end):
        if begin == failing:
            raise ValueError(f"piece {begin}")
        time.sleep(0.02)
        done.append(begin)

    with pytest.raises(ValueError, match=f"piece {failing}"):
        parallel_for(kernel, 3)
    assert sorted(done) == sorted({0, 1, 2} - {failing})


def test_two_callers_at_once():
    def work(out):
        for _ in range(300):
            parallel_for(add_one, 30, out, PerThread([[], [], []]))

    outs = [np.zeros(30) for _ in range(3)]
    callers = [threading.Thread(target=work, args=(out,)) for out in outs]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all((out == 300).all() for out in outs)


def test_how_many(monkeypatch):
    set_threads(2)
    assert threads() == 2
    with pytest.raises(ParameterError, match="0 threads"):
        set_threads(0)
    for asked in ("0", "two"):
        monkeypatch.setattr(parallel, "_threads", None)
        monkeypatch.setenv("CAFFE_LITE_THREADS", asked)
        with pytest.raises(ParameterError, match=f"CAFFE_LITE_THREADS='{asked}'"):
            threads()
