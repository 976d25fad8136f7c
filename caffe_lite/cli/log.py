"""glog's flags, and logging as they say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

from caffe_lite.cli.log_file import open_log
from caffe_lite.cli.unheard import GuardedStream, Unheard
from caffe_lite.cli.values import convert
from caffe_lite.commands import Flag
from caffe_lite.glog import GlogHandler, level_of

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


@contextmanager
def glog(flags: SimpleNamespace, write: Callable[[str], object], unheard: Unheard | None = None) -> Iterator[None]:
    """Log as ``flags`` say while the block runs.

    Args:
        flags: values of ``FLAGS``.
        write: writes text to standard error.
        unheard: what becomes of lines that ``log_dir`` has no room for; by default they raise.

    Raises:
        OSError: ``log_dir`` cannot be written to.
    """
    root = logging.getLogger("caffe_lite")
    before = root.level, root.propagate, root.handlers
    quiet = not (flags.logtostderr or flags.alsologtostderr)
    with ExitStack() as stack:
        handlers: list[logging.Handler] = [GlogHandler(write, _level(flags.stderrthreshold if quiet else 0, flags))]
        if flags.log_dir and not flags.logtostderr:
            file = stack.enter_context(open_log(Path(flags.log_dir)))
            stream = GuardedStream(file, unheard or Unheard())
            handlers.append(GlogHandler(stream.write, _level(0, flags)))
        root.setLevel(min(handler.level for handler in handlers))
        root.propagate = False
        root.handlers = handlers  # alone, where a program that has imported caffe calls a command
        try:
            yield
        finally:
            root.setLevel(before[0])
            root.propagate, root.handlers = before[1:]


def _level(threshold: int, flags: SimpleNamespace) -> int:
    """The lowest logging level that passes both the threshold and ``--minloglevel``; fatal always does."""
    severity = max(threshold, flags.minloglevel)
    return logging.DEBUG if severity <= 0 and flags.v > 0 else level_of(severity)
