"""Recorded kernels called one after another without Python: what they get, and what stays with Python."""

import ctypes
import os
import subprocess
import sys
from threading import Thread

import numpy as np
import pytest
from numba import njit

from caffe_lite import parallel
from caffe_lite.kernels import sequence
from caffe_lite.kernels.sequence import NUMBERS, POSSIBLE, SIZES
from caffe_lite.kernels.vector import sized
from caffe_lite.net.sequence import call_words, joined
from caffe_lite.parallel import PerThread, call, parallel_for, record, run_program, run_step

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="compiled sequences are for x86-64")


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(parallel, "_threads", 3)


@njit(nogil=True)
def everything(begin, end, a, sizes, b, single, double, flag, c):
    for i in range(begin, end):
        a[i] = sizes[0] * b[i, sizes[1][0]] + single * double + c[i, 1, 2]
        if flag:
            a[i] = -a[i]


@njit(nogil=True)
def add(begin, end, a, b):
    for i in range(begin, end):
        a[i] += b[i]


@njit(nogil=True)
def sum_up(begin, end, a, totals):
    for i in range(begin, end):
        totals[0] += a[i]


@njit(nogil=True)
def collect(parts, out):
    out[0] = parts[0][0] + 10 * parts[1][0] + 100 * parts[2][0]


@njit(nogil=True)
def many_numbers(a, n1, n2, n3, n4, n5, n6, n7, n8):
    a[0] = n1 + 2 * n2 + 3 * n3 + 4 * n4 + 5 * n5 + 6 * n6 + 7 * n7 + 8 * n8


@njit(nogil=True)
def too_many_numbers(a, n1, n2, n3, n4, n5, n6, n7, n8, n9):
    a[0] = n9


@njit(nogil=True)
def divide(a, b):
    a[0] = 1 // b[0]


@njit(nogil=True)
def returns(a):
    return a[0]


def one(function, *args):
    """The only step that a call becomes, after it was made once."""
    (step,) = joined(record(call, function, *args))
    assert step[0][0] is not function, "it stayed with Python"
    return step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("flag", [False, True])
def test_all_kinds_of_arguments(dtype, flag):
    rng = np.random.default_rng(1)
    a, b, c = np.zeros(5, dtype), rng.standard_normal((5, 7)).astype(dtype), rng.standard_normal((5, 3, 4))
    b = b[:, ::2]
    args = (a, (3, (2,)), b, np.float32(1.5), 0.25, flag, c)
    expected = (3 * b[:, 2] + 1.5 * 0.25 + c[:, 1, 2]) * (-1 if flag else 1)
    (step,) = joined(record(parallel_for, everything, 5, *args))
    np.testing.assert_allclose(a, expected, rtol=1e-6)
    a.fill(0)
    run_step(step)
    np.testing.assert_allclose(a, expected, rtol=1e-6)


def test_eight_numbers_and_no_more():
    assert NUMBERS == 8
    a = np.zeros(1)
    step = one(many_numbers, a, 1.0, np.float32(2), 3.0, 4.0, 5.0, 6.0, 7.0, np.float32(8))
    a.fill(0)
    run_step(step)
    assert a[0] == 1 + 4 + 9 + 16 + 25 + 36 + 49 + 64
    args = (a, *map(float, range(9)))
    too_many_numbers(*args)
    assert call_words(too_many_numbers, args) is None


def test_what_stays_with_python():
    a = np.ones(3)
    returns(a)
    assert call_words(returns, (a,)) is None, "its result would be lost"
    assert call_words(a.fill, (0,)) is None
    assert call_words(add, (0, 1, a, a)) is None, "not compiled for these"


def test_as_many_words_as_arrays_take():
    longest = SIZES[-1] // 7

    def many(count):
        names = ", ".join(f"a{i}" for i in range(count))
        space = {"__name__": __name__}
        exec(f"def many({names}):\n    a0[0] = a{count - 1}[0]", space)
        return njit(nogil=True)(space["many"])

    arrays = [np.full(1, i, float) for i in range(longest + 1)]
    fits, large = many(longest), many(longest + 1)
    step = one(fits, *arrays[:-1])
    arrays[0].fill(0)
    run_step(step)
    assert arrays[0][0] == longest - 1
    large(*arrays)
    assert call_words(large, tuple(arrays)) is None


def test_steps_wait_for_each_other():
    """What one thread writes, another reads in the next step; the Python function between them splits the sequence."""
    a, b, out = np.zeros(30_000), np.ones(30_000), np.zeros(1)
    parts, seen = [np.zeros(16) for _ in range(3)], []

    def work():
        for _ in range(4):
            parallel_for(add, len(a), a, b)
            parallel_for(sum_up, len(a), a[::-1], PerThread(parts))
            call(collect, tuple(parts), out)
        call(seen.append, 0)
        parallel_for(add, len(a), a, b)

    made = joined(record(work))
    assert [step[0][1][0].threads for step in made if step[0][0] is run_program] == [3, 3]
    assert len(made) == 3
    a.fill(0)
    for part in parts:
        part.fill(0)
    for step in made:
        run_step(step)
    assert (a == 5).all()
    assert out[0] == 111 * 10_000 * (1 + 2 + 3 + 4)
    assert seen == [0, 0]
    for _ in range(50):  # again and again, the counters begin anew
        for step in made:
            run_step(step)
    assert (a == 5 + 50 * 5).all()


def test_a_failure_in_a_kernel_arrives():
    a, b = np.zeros(1, np.int64), np.ones(1, np.int64)
    step = one(divide, a, b)
    b[0] = 0
    with pytest.raises(RuntimeError, match="a kernel failed"):
        run_step(step)
    b[0] = 1
    run_step(step)
    assert a[0] == 1


KERNELS_OF_ONE_NAME = """
import sys
import numpy as np
from numba import njit
from caffe_lite.kernels.vector import sized
from caffe_lite.net.sequence import joined
from caffe_lite.parallel import call, record, run_program, run_step

def made(factor, *sizes):
    def kernel(a):
        a[0] *= factor
    return njit(cache=True, nogil=True)(sized(*sizes)(kernel) if sizes else kernel)

def check(named):
    factors = list(map(int, sys.argv[2:]))
    kernels, arrays = [made(factor, *[factor] * named) for factor in factors], [np.ones(1) for _ in factors]
    recorded = [record(call, kernel, a) for kernel, a in zip(kernels, arrays)]
    steps = [step for steps in recorded for step in joined(steps)]
    for factor, a, step in zip(factors, arrays, steps, strict=True):
        run_step(step)
        assert a[0] == factor ** 2, f"not the kernel for {factor}: {a[0]}"
    print(sum(step[0][0] is run_program for step in steps))

check(sys.argv[1] == "sized")
"""


@pytest.mark.parametrize(("named", "compiled"), [("plain", 0), ("sized", 2)])
def test_kernels_that_come_from_the_cache_under_one_name(tmp_path, named, compiled):
    """numba numbers functions in every process anew, so two that were compiled in different ones are called alike."""
    script = tmp_path / "script.py"
    script.write_text(KERNELS_OF_ONE_NAME)

    def run(*factors):
        result = subprocess.run([sys.executable, script, named, *factors], capture_output=True, text=True, timeout=120,
                                env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")})
        assert result.returncode == 0, result.stderr
        return int(result.stdout)

    run("3")
    run("5")
    assert run("3", "5") == compiled


def test_a_kernel_that_the_cache_would_never_know_again():
    """numba looks for it by what its closure holds, and a compiled function is another one in each process."""
    def closing_over(what):
        @sized(3)
        def kernel(a):
            return a * what

        return kernel

    assert closing_over(3).__qualname__.endswith("kernel_3")
    with pytest.raises(TypeError, match="what is no number"):
        closing_over(njit(lambda a: a))


@pytest.mark.skipif(not sequence.PLACED, reason="threads cannot be told where to run")
@pytest.mark.parametrize("alone", [False, True])
def test_a_thread_leaves_its_processor_but_may_come_back(alone):
    current, found = ctypes.CDLL(None).sched_getcpu, []

    def leave():
        may = os.sched_getaffinity(0)
        if alone:
            may = {current()}
            os.sched_setaffinity(0, may)
        for _ in range(20):
            here = current()
            sequence._leave(here, np.zeros(sequence.CPUS // 64, np.int64).ctypes.data)
            found.append(current() != here)
        found.append(os.sched_getaffinity(0) == may)
        found.append(len(may))

    thread = Thread(target=leave)
    thread.start()
    thread.join()
    *left, same, count = found
    assert same
    assert any(left) == (count > 1)
