"""Hearing what the engine logs, instead of showing it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from caffe_lite.files import TOLD


@contextmanager
def listening(hear: Callable[[str], object] = lambda message: None) -> Iterator[None]:
    """While the block runs, nothing is logged; ``hear`` gets the text of each warning. What is told only once will be
    told once more."""
    root = logging.getLogger("caffe_lite")
    told = set(TOLD)
    before = root.level, root.propagate, root.handlers
    root.propagate, root.handlers = False, [_Ear(hear)]
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.propagate, root.handlers = before[1:]
        root.setLevel(before[0])
        TOLD.intersection_update(told)


class _Ear(logging.Handler):
    def __init__(self, hear: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record.getMessage())
