"""Log records as glog's lines.

``I1121 19:31:49.430888  7656 solver.cpp:347] text``: the level's letter, month and day (no year: Caffe's
``extract_seconds.py`` reads the line by position), the time to the microsecond, the thread's id in 7 columns
with its blank, the source file and line. Of a message of several lines only the first has the prefix.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

from caffe_lite.cli.log_file import open_log
from caffe_lite.cli.values import convert
from caffe_lite.commands import Flag

FLAGS = (
    Flag("logtostderr", False, "log messages go to stderr instead of logfiles"),
    Flag("alsologtostderr", True, "log messages go to stderr in addition to logfiles"),
    Flag("stderrthreshold", 2, "with neither of these two: log messages at or above this level go to stderr"),
    Flag("minloglevel", 0, "messages logged at a lower level than this don't get logged anywhere (0 to 3: "
         "INFO, WARNING, ERROR, FATAL)"),
    Flag("log_dir", "", "logfiles are written into this directory too"),
    Flag("v", 0, "show messages for debugging where this is 1 or more"),
    Flag("vmodule", "", "accepted as glog's flag; without an effect"),
)
_LETTERS = {logging.WARNING: "W", logging.ERROR: "E", logging.CRITICAL: "F"}
_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def flags_from(environment: Mapping[str, str]) -> tuple[Flag, ...]:
    """glog's flags, with the defaults that variables such as ``GLOG_minloglevel`` give.

    Raises:
        FlagError: a variable's value is none of its flag's type.
    """
    return tuple(
        flag._replace(default=convert(flag, environment[f"GLOG_{flag.name}"]))
        if f"GLOG_{flag.name}" in environment
        else flag
        for flag in FLAGS
    )


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


class _Handler(logging.Handler):
    def __init__(self, write: Callable[[str], object], level: int) -> None:
        super().__init__(level)
        self.setFormatter(GlogFormatter())
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self._write(text if text.endswith("\n") else text + "\n")  # raises on a closed pipe or a full disk


@contextmanager
def glog(flags: SimpleNamespace, write: Callable[[str], object]) -> Iterator[None]:
    """Log as ``flags`` say while the block runs.

    Args:
        flags: values of ``FLAGS``.
        write: writes text to standard error.

    Raises:
        OSError: ``log_dir`` cannot be written to.
    """
    root = logging.getLogger("caffe_lite")
    before = root.level, root.propagate
    quiet = not (flags.logtostderr or flags.alsologtostderr)
    with ExitStack() as stack:
        handlers = [_Handler(write, _level(flags.stderrthreshold if quiet else 0, flags))]
        if flags.log_dir and not flags.logtostderr:
            file = stack.enter_context(open_log(Path(flags.log_dir)))
            handlers.append(_Handler(file.write, _level(0, flags)))
        root.setLevel(min(handler.level for handler in handlers))
        root.propagate = False
        for handler in handlers:
            root.addHandler(handler)
        try:
            yield
        finally:
            for handler in handlers:
                root.removeHandler(handler)
            root.setLevel(before[0])
            root.propagate = before[1]


def _level(threshold: int, flags: SimpleNamespace) -> int:
    """The lowest logging level that passes both the threshold and ``--minloglevel``; fatal always does."""
    severity = min(max(threshold, flags.minloglevel, 0), 3)
    return logging.DEBUG if severity == 0 and flags.v > 0 else _LEVELS[severity]
