"""Every reader, fed with what hypothesis makes of real files: nothing may come of it but our own errors, soon.

The same inputs each time; ``python -m tools.fuzz`` tries others, for as long as one likes, in a process with little memory.
"""

import logging
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caffe_lite.errors import CaffeError, DataError
from tools.fuzz.__main__ import MEMORY
from tools.fuzz.mutate import mutate
from tools.fuzz.readers import LIMITS, READERS
from tools.fuzz.worker import HANG, read, write

for package in ("PIL", "h5py", "lmdb", "plyvel"):
    pytest.importorskip(package, reason=f"{package}, which seeds are made with, is not installed")

EXAMPLES = 150


@pytest.fixture(autouse=True)
def _quietly(monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_MEMORY_LIMIT", "256M")
    monkeypatch.setattr("caffe_lite.sources.images.MOST_PIXELS", 1 << 22)  # so that none takes long
    for limit in LIMITS:
        monkeypatch.setattr(*limit)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def folder():
    """In memory where there is such a folder: LevelDB flushes its files to the disk each time that it opens them."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.exists() else None) as path:
        yield Path(path, "input")


@pytest.mark.parametrize("name", READERS)
def test_whole_files_are_read(name, folder):
    reader = READERS[name]
    for sample in reader.seeds():
        write(sample, folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(reader, folder)
            except DataError as error:
                if "found a pixel format of I" not in str(error):  # 16 bits, wanted as they are
                    raise


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused(name, folder):
    reader = READERS[name]
    samples = list(reader.seeds())

    @settings(max_examples=EXAMPLES, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(samples) - 1), st.randoms(use_true_random=False))
    def run(index, random):
        write(mutate(samples[index], samples, reader.words, random), folder)
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(CaffeError):
                read(reader, folder)
        assert time.process_time() - begin < HANG

    run()


def test_changes_change():
    sample = {"a": bytes(range(256)) * 4, "b": b"12 apples"}
    changed = [mutate(sample, [sample], [b"word"], Random(seed)) for seed in range(200)]
    assert sum(one != sample for one in changed) > 150
    assert changed == [mutate(sample, [sample], [b"word"], Random(seed)) for seed in range(200)]
    assert any(b"word" in one["b"] for one in changed)
