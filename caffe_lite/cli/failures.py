"""How a command ends that fails: one ``F`` line for a mistake of the user, a traceback for one of ours."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from contextlib import suppress

from caffe_lite.errors import CaffeError
from caffe_lite.version import __version__

log = logging.getLogger(__name__)

FAILURE = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell has it
BROKEN_PIPE = 141  # 128 + SIGPIPE


def end(error: BaseException) -> int:
    """Tell the user about the error; returns the exit code.

    A ``CaffeError``, and an ``OSError`` that the system gave a number, such as a missing file or a full
    disk, become one ``F`` line that holds the place in our source it was raised at. A closed pipe and Ctrl-C
    say nothing.
    """
    code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILURE
    if isinstance(error, BrokenPipeError):
        code = BROKEN_PIPE
    if code == FAILURE:
        with suppress(OSError):  # standard error itself is closed, or its disk is full
            _tell(error)
    drop_unwritable_output()
    return code


def message(error: BaseException) -> str | None:
    """What to say about a mistake of the user; None for a bug."""
    if isinstance(error, CaffeError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"out of memory: {error or 'the system has no more to give'}; a smaller batch_size needs less"
    if isinstance(error, OSError) and error.errno is not None:
        reason = error.strerror or os.strerror(error.errno)
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        if error.errno == errno.ENOSPC:
            reason += " (free some, or write elsewhere)"
        return f"{' -> '.join(names)}: {reason}" if names else reason
    return None


def _tell(error: BaseException) -> None:
    text = message(error)
    if text is None:
        traceback.print_exception(error)
        text = f"this is a bug in caffe_lite {__version__}: please report it with the lines above"
    file, line = _place(error)
    log.handle(log.makeRecord(log.name, logging.CRITICAL, file, line, text, (), None))


def _place(error: BaseException) -> tuple[str, int]:
    """File and line of the innermost frame in our source."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    place = __file__, 0
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith(package):
            place = frame.f_code.co_filename, line
    return place


def drop_unwritable_output() -> None:
    """Let the interpreter flush into nothing, at its exit, what a closed pipe or a full disk did not take."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
