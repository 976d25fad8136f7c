"""What nets may take and do: how much memory, whether code of their own, how many bad records.

Commands have flags for it; a program that imports caffe has the environment::

    CAFFE_LITE_MEMORY_LIMIT=4G        --memory_limit=4G
    CAFFE_LITE_NO_PYTHON_LAYERS=1     --no_python_layers
    CAFFE_LITE_SKIP_BAD_RECORDS=3     --skip_bad_records=3
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from caffe_lite.errors import FlagError
from caffe_lite.machine import memory_of_machine

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Limits:
    """
    Attributes:
        memory: bytes that a net may take, None where there is no limit.
        python_layers: whether it may have layers that run code of the user's.
        bad_records: how many records a data layer leaves out before it gives up.
    """

    memory: int | None
    python_layers: bool = True
    bad_records: int = 0


def current() -> Limits:
    """The limits that count now, for nets that are built from now on.

    Raises:
        FlagError: a variable in the environment cannot be understood.
    """
    return _limits.get() or from_words(os.environ.get("CAFFE_LITE_MEMORY_LIMIT", ""),
                                       os.environ.get("CAFFE_LITE_NO_PYTHON_LAYERS", "") in ("", "0"),
                                       os.environ.get("CAFFE_LITE_SKIP_BAD_RECORDS", "") or "0")


@contextmanager
def within(limits: Limits) -> Iterator[None]:
    """Have these limits count in this thread during the block."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def from_flags(flags: Mapping[str, object]) -> Limits:
    """The limits of a command's flags; where one is not given, that of the environment.

    Raises:
        FlagError: a value that cannot be.
    """
    around, memory = current(), str(flags.get("memory_limit", ""))
    given = from_words(memory, not flags.get("no_python_layers"), str(flags.get("skip_bad_records", 0)))
    return Limits(given.memory if memory else around.memory, given.python_layers and around.python_layers,
                  given.bad_records or around.bad_records)


def from_words(memory: str, python_layers: bool, bad_records: str) -> Limits:
    """Limits from text: a size such as ``4G``, ``none`` for no limit or nothing for what the machine has; a count."""
    if not bad_records.isdecimal() or len(bad_records) > 9:
        raise FlagError(f"skip_bad_records is {bad_records!r}: give how many, 0 or more")
    return Limits(_memory(memory), python_layers, int(bad_records))


def _memory(text: str) -> int | None:
    if not text:
        return memory_of_machine()
    if text == "none":
        return None
    match = _SIZE.fullmatch(text)
    if match is None or not float(match[1]):
        raise FlagError(f"memory_limit is {text!r}: give bytes, such as 500M or 4G, or none")
    return int(float(match[1]) * 2 ** _UNITS[match[2].upper()])


_limits: ContextVar[Limits | None] = ContextVar("limits", default=None)
