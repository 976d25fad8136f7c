"""Caffe's log as pycaffe shows it: glog's lines on standard error, from the import on.

A program changes that with ``GLOG_minloglevel`` in the environment before the import, or with ``init_log``. Where
somebody has given the logger ``caffe_lite`` a handler already, as the command line does, the log is left to them.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress

from caffe_lite import glog

LEVEL = "GLOG_minloglevel"

log_ = logging.getLogger(__name__)
_root = logging.getLogger("caffe_lite")


def start() -> None:
    """Begin to log."""
    if not _root.handlers:
        _root.addHandler(_handler)
        _root.propagate = False  # or a program that logs itself would show each line twice
        _set_level(_number(os.environ.get(LEVEL, "")))


def init_log(level: int | None = None, stderr: bool = True) -> None:
    """Show messages of ``level`` (0 to 3: INFO, WARNING, ERROR, FATAL) and above; those below ERROR only if ``stderr``.

    Caffe writes a file into the folder of temporary files too; caffe_lite does not.
    """
    if level is not None:
        _set_level(level)
    _handler.setLevel(glog.level_of(glog.INFO if stderr else glog.ERROR))


def log(text: str) -> None:
    """Put a line into the log."""
    log_.info("%s", text, stacklevel=2)


def _set_level(severity: int) -> None:
    if _handler in _root.handlers:
        _root.setLevel(glog.level_of(severity))


def _number(text: str) -> int:
    """As glog reads it: what is no number is 0."""
    try:
        return int(text)
    except ValueError:
        return 0


def _write(text: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # closed: no reason to stop a training
            sys.stderr.write(text)


_handler = glog.GlogHandler(_write)
