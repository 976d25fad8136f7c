"""What the three upgrade tools share."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TypeVar

from caffe_lite.errors import SchemaError

log = logging.getLogger(__name__)

UNREADABLE = 2
"""The exit code for a file that is no such message."""

_M = TypeVar("_M")


def upgrade_file(source: str, target: str, what: str, kind: str, read: Callable[[str], _M],
                 upgrade: Callable[[_M, str], _M], write: Callable[[str, _M], None]) -> int:
    """Bring a file to the current form; one that is in it already is written too. Returns the exit code.

    Args:
        what: ``text`` or ``binary``.
        kind: the message's name.
        upgrade: from the message and its file's name; returns the message itself where there is nothing to do.

    Raises:
        SchemaError: there is no such file, or something in the old form has no meaning.
        OSError: the target cannot be written.
    """
    try:
        message = read(source)
    except SchemaError as error:
        if not os.path.isfile(source):
            raise
        log.error("%s", error)
        log.error("Failed to parse input %s file as %s: %s", what, kind, source)
        return UNREADABLE
    upgraded = upgrade(message, source)
    if upgraded is message:
        log.error("File already in latest proto format: %s", source)
    write(target, upgraded)
    log.info("Wrote upgraded %s %s proto to %s", kind, what, target)
    return 0
