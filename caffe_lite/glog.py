"""Log records as glog's lines.

``I1121 19:31:49.430888  7656 solver.cpp:347] text``: the level's letter, month and day (no year: Caffe's
``extract_seconds.py`` reads the line by position), the time to the microsecond, the thread's id in 7 columns
with its blank, the source file and line. Of a message of several lines only the first has the prefix.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

INFO, WARNING, ERROR, FATAL = range(4)
"""glog's severities, the values of ``minloglevel`` and ``stderrthreshold``."""

_LETTERS = {logging.WARNING: "W", logging.ERROR: "E", logging.CRITICAL: "F"}
_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def level_of(severity: int) -> int:
    """The logging level of a severity; fatal is the highest there is."""
    return _LEVELS[min(max(severity, INFO), FATAL)]


class GlogFormatter(logging.Formatter):
    """``LMMDD hh:mm:ss.uuuuuu thread file:line] message``."""

    def __init__(self) -> None:
        super().__init__()
        self._second = -1
        self._stamp = ""

    def format(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if second != self._second:  # strftime costs more than all the rest
            self._second, self._stamp = second, time.strftime("%m%d %H:%M:%S", time.localtime(second))
        micros = int((record.created - second) * 1e6)
        return (
            f"{_LETTERS.get(record.levelno, 'I')}{self._stamp}.{micros:06d} {threading.get_native_id():5d} "
            f"{record.filename}:{record.lineno}] {record.getMessage()}"
        )


class GlogHandler(logging.Handler):
    """Hands lines to ``write``, whose exceptions (a closed pipe, a full disk) reach whoever logs."""

    def __init__(self, write: Callable[[str], object], level: int = logging.INFO) -> None:
        super().__init__(level)
        self.setFormatter(GlogFormatter())
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self._write(text if text.endswith("\n") else text + "\n")
