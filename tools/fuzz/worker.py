"""One reader, fed with changed files until the time is over. A process of its own: it may die of what it reads."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import time
import traceback
import warnings
import zlib
from pathlib import Path
from random import Random

from caffe_lite.errors import CaffeError
from tools.fuzz.mutate import Sample, mutate
from tools.fuzz.readers import FILE, READERS, Reader

INPUT = "input"
"""The folder of what is being read: it stays when the process dies."""
HANG = 5.0
"""Seconds of the processor after which a reader hangs."""
STUCK = 60.0
"""Seconds on the clock after which it does too: it may be waiting."""
MOST_SEEDS = 2000


def work(name: str, seed: int, seconds: float, most: int, memory: int, keep: Path) -> None:
    """Feed the reader; what fails goes to ``keep``, counts to standard output.

    Args:
        most: inputs, after which it is enough too.
        memory: bytes that it may take in addition to what it has when it begins.
    """
    reader, random = READERS[name], Random(seed)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # of packages that read on in a broken file
    samples = list(reader.seeds())
    for sample in samples:
        _run(reader, sample, keep / INPUT)  # compiles what there is to compile
    limit_memory(memory)
    feed(reader, samples, random, time.monotonic() + seconds, most, keep)


def feed(reader: Reader, samples: list[Sample], random: Random, end: float, most: int, keep: Path) -> None:
    known: set[str] = set()
    inputs = refused = 0
    faulthandler.register(signal.SIGPROF, chain=True)  # which then ends the process
    while time.monotonic() < end and inputs < most:
        sample = mutate(random.choice(samples), samples, reader.words, random)
        signal.setitimer(signal.ITIMER_PROF, HANG)
        faulthandler.dump_traceback_later(STUCK, exit=True)
        outcome = _run(reader, sample, keep / INPUT)
        signal.setitimer(signal.ITIMER_PROF, 0)
        inputs += 1
        refused += isinstance(outcome, CaffeError)
        place = where(outcome)
        if place not in known:
            known.add(place)
            if len(samples) < MOST_SEEDS:
                samples.append(sample)  # it came to a new place: from there it may go on
            if outcome is not None and not isinstance(outcome, CaffeError):
                report(sample, outcome, keep)
        if inputs % 100 == 0 or time.monotonic() >= end or inputs == most:
            print(inputs, refused, len(known), flush=True)
    faulthandler.cancel_dump_traceback_later()


def where(error: BaseException | None) -> str:
    """The kind of an error and the lines it came through."""
    if error is None:
        return "read"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} " + " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def report(sample: Sample, error: BaseException, keep: Path) -> None:
    """Keep an input that brought about something else than an error of ours."""
    path = keep / f"failure-{type(error).__name__}-{zlib.crc32(where(error).encode()):08x}"
    write(sample, path)
    print(f"FAILURE {path}", "".join(traceback.format_exception(error)), sep="\n", file=sys.stderr, flush=True)


def limit_memory(more: int) -> None:
    """Let this process take so many bytes beyond those it has."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _run(reader: Reader, sample: Sample, folder: Path) -> BaseException | None:
    write(sample, folder)
    try:
        read(reader, folder)
    except Exception as error:
        return error
    return None


def read(reader: Reader, folder: Path) -> None:
    """Have the reader read the sample in a folder."""
    reader.read(folder / FILE if (folder / FILE).exists() else folder)


def write(sample: Sample, folder: Path) -> None:
    """Have nothing but the sample in a folder."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in sample:
            path.unlink()
    for name, data in sample.items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    _, reader_name, seed_, seconds_, most_, memory_, keep_ = sys.argv
    work(reader_name, int(seed_), float(seconds_), int(most_), int(memory_), Path(keep_))
