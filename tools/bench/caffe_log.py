"""What the logs of ``caffe time`` and ``caffe train`` tell about time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

STAMP = re.compile(r"[IWEF]\d+ (\d\d):(\d\d):(\d\d\.\d+) ")
ITERATION = re.compile(r"\] Iteration \d+ \(")
LOSS = re.compile(r"\] Iteration 0 \(.*\), loss = (\S+)")
AVERAGE = re.compile(r"\] Average ([\w -]+): (\S+) ms\.")
LAYER = re.compile(r"\] +(\S+)\tforward: (\S+) ms\.")
DAY = 86400.0


def mean_time(what: str, lines: Iterable[str], without: str) -> float:
    """The mean that ``caffe time`` gives for ``Forward pass`` or ``Forward-Backward`` in seconds, less what the layer
    ``without`` takes forward.

    Raises:
        ValueError: the log does not say it.
    """
    total, layers = None, {}
    for line in lines:
        if found := LAYER.search(line):
            layers[found[1]] = float(found[2])
        elif (found := AVERAGE.search(line)) and found[1] == what:
            total = float(found[2])
    if total is None:
        raise ValueError(f"the log of caffe time has no 'Average {what}'")
    return (total - layers.get(without, 0.0)) / 1000


def iteration_times(lines: Iterable[str]) -> list[float]:
    """The seconds between one iteration and the next in a log of ``caffe train`` with ``display: 1``."""
    stamps = [_stamp(line) for line in lines if ITERATION.search(line)]
    return [(b - a) % DAY for a, b in pairwise(stamps)]


def first_loss(lines: Iterable[str]) -> float:
    """The loss of iteration 0.

    Raises:
        ValueError: the log has no such line.
    """
    for line in lines:
        if found := LOSS.search(line):
            return float(found[1])
    raise ValueError("the log of caffe train has no 'Iteration 0 (...), loss ='")


def seconds_to(text: str, lines: Iterable[str], start: float) -> float | None:
    """How long after second ``start`` of the day the first line with ``text`` was logged; ``None`` if never."""
    return next(((_stamp(line) - start) % DAY for line in lines if text in line), None)


def _stamp(line: str) -> float:
    """The second of the day at the start of a line."""
    found = STAMP.match(line)
    if found is None:
        raise ValueError(f"not a line of glog's: {line!r}")
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
