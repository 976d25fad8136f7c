"""One reader, fed with changed files until the time is over. A process of its own: it may die of what it reads."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import time
import traceback
import warnings
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TypeAlias

from caffe_lite.errors import CaffeError
from tools.fuzz.mutate import Sample, choose, mutate
from tools.fuzz.readers import FILE, LIMITS, READERS, Reader

INPUT = "input"
"""The folder of what is being read: it stays when the process dies."""
HANG = 5.0
"""Seconds of the processor after which a reader hangs."""
STUCK = 900.0
"""Seconds on the clock after which it does too: it may be waiting. So many, since it may also have been stopped."""
PERIOD = 0.2
"""Seconds between two windings of the clocks that count these, which takes as long as reading a small file does."""
MOST_SEEDS = 2000

Place: TypeAlias = tuple[str | int, ...]


def work(name: str, seed: int, seconds: float, most: int, memory: int, keep: Path) -> None:
    """Feed the reader; what fails goes to ``keep``, counts to standard output.

    Args:
        most: inputs, after which it is enough too.
        memory: bytes that it may take in addition to what it has when it begins.
    """
    reader, random = READERS[name], Random(seed)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # of packages that read on in a broken file
    for limit in LIMITS:
        setattr(*limit)
    samples = list(reader.seeds())
    for sample in samples:
        _run(reader, sample, keep / INPUT)  # compiles what there is to compile
    limit_memory(memory)
    feed(reader, samples, random, time.monotonic() + seconds, most, keep)


def feed(reader: Reader, samples: list[Sample], random: Random, end: float, most: int, keep: Path) -> None:
    whole, known = samples.copy(), set[Place]()
    inputs = refused = 0
    watch = Watch()
    folder, before = keep / INPUT, None
    while watch.wind() < end and inputs < most:
        sample = mutate(pick(choose(random, (whole, samples)), random), samples, reader.words, random)
        outcome = _run(reader, sample, folder, before)
        before = None if reader.folder else sample
        inputs += 1
        refused += isinstance(outcome, CaffeError)
        place = where(outcome)
        if place not in known:
            known.add(place)
            if len(samples) < MOST_SEEDS:
                samples.append(sample)  # it came to a new place: from there it may go on
            if outcome is not None and not isinstance(outcome, CaffeError):
                report(sample, outcome, keep)
        if inputs % 100 == 0:
            print(inputs, refused, len(known), flush=True)
    watch.stop()
    print(inputs, refused, len(known), flush=True)


class Watch:
    """Ends this process where an input takes too long; it must be wound up before each."""

    def __init__(self) -> None:
        faulthandler.register(signal.SIGPROF, chain=True)  # which then ends the process
        self._wound = -PERIOD

    def wind(self) -> float:
        """Give the next input its time, less ``PERIOD`` at most; returns the time."""
        now = time.monotonic()
        if now - self._wound >= PERIOD:
            self._wound = now
            signal.setitimer(signal.ITIMER_PROF, HANG)
            faulthandler.dump_traceback_later(STUCK, exit=True)
        return now

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


def pick(samples: Sequence[Sample], random: Random) -> Sample:
    """Any sample, as a rule the smaller of two: those are read sooner, and what is new in large ones is seldom their
    size."""
    first, second = choose(random, samples), choose(random, samples)
    return first if random.random() < 0.1 or _size(first) <= _size(second) else second


def _size(sample: Sample) -> int:
    return sum(map(len, sample.values()))


def where(error: BaseException | None) -> Place:
    """The kinds of an error and of those behind it, and the lines they came through."""
    place: list[str | int] = []
    while error:
        place.append(type(error).__name__)
        trace = error.__traceback__
        while trace:
            place += trace.tb_frame.f_code.co_filename, trace.tb_lineno
            trace = trace.tb_next
        error = error.__context__
    return tuple(place)


def report(sample: Sample, error: BaseException, keep: Path) -> None:
    """Keep an input that brought about something else than an error of ours."""
    path = keep / f"failure-{type(error).__name__}-{zlib.crc32(repr(where(error)).encode()):08x}"
    write(sample, path)
    print(f"FAILURE {path}", "".join(traceback.format_exception(error)), sep="\n", file=sys.stderr, flush=True)


def limit_memory(more: int) -> None:
    """Let this process take so many bytes beyond those it has."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _run(reader: Reader, sample: Sample, folder: Path, before: Sample | None = None) -> Exception | None:
    write(sample, folder, before)
    try:
        read(reader, folder)
    except Exception as error:
        return error
    return None


def read(reader: Reader, folder: Path) -> None:
    """Have the reader read the sample in a folder."""
    reader.read(folder if reader.folder else _file(folder))


@lru_cache(1)
def _file(folder: Path) -> Path:
    return folder / FILE


def write(sample: Sample, folder: Path, before: Sample | None = None) -> None:
    """Have nothing but the sample in a folder.

    Args:
        before: what is in there, where that is known: the same files are not written again.
    """
    if before is None:
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        before = {}
    for name in before.keys() - sample.keys():
        os.unlink(f"{folder}/{name}")
    for name, data in sample.items():
        if before.get(name) is not data:
            file = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(file, data)
            os.close(file)


if __name__ == "__main__":
    _, reader_name, seed_, seconds_, most_, memory_, keep_ = sys.argv
    work(reader_name, int(seed_), float(seconds_), int(most_), int(memory_), Path(keep_))
