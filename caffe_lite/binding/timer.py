"""A stopwatch."""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)


class Timer:
    """Measures from ``start`` to ``stop``. Source: ``CPUTimer`` in Caffe's benchmark.cpp."""

    def __init__(self) -> None:
        self._begin: float | None = None
        self._ms: float | None = None

    def start(self) -> None:
        """Begin, unless it runs already."""
        if self._begin is None:
            self._begin = time.perf_counter()

    def stop(self) -> None:
        """End, if it runs."""
        if self._begin is not None:
            self._ms = 1e3 * (time.perf_counter() - self._begin)
            self._begin = None

    @property
    def ms(self) -> float:
        """The last measurement in milliseconds; a running timer is stopped first, and one that never ran says 0."""
        self.stop()
        if self._ms is None:
            log.warning("Timer has never been run before reading time.")
        return self._ms or 0.0
