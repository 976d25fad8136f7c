"""The C library's numbers, as glibc gives them to a program that seeds nothing."""

import ctypes
import platform
import subprocess
import sys

import numpy as np
import pytest

from caffe_lite import rng
from caffe_lite.libc_rng import LibcRng


def test_the_first_numbers():
    libc = LibcRng()
    assert [libc.rand() for _ in range(4)] == [1804289383, 846930886, 1681692777, 1714636915]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library is not glibc")
def test_as_the_library_itself():
    code = "import ctypes; rand = ctypes.CDLL(None).rand; print(*[rand() for _ in range(2000)])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    libc = LibcRng()
    assert [libc.rand() for _ in range(2000)] == [int(word) for word in out.split()]
    assert ctypes.sizeof(ctypes.c_int) == 4


def test_a_shuffle_keeps_what_is_there():
    order = np.arange(50)
    LibcRng().shuffle(order)
    assert sorted(order) == list(range(50))
    assert list(order) != list(range(50))


def test_each_stream_has_its_own_and_a_seed_begins_it_anew():
    first = rng.Rng(1).libc.rand()
    assert rng.Rng(2).libc.rand() == first
    rng.set_random_seed(5)
    assert rng.default().libc.rand() == first
    assert rng.default().libc.rand() != first
    rng.set_random_seed(5)
    assert rng.default().libc.rand() == first
