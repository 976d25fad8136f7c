"""Several files that replace what was there together, or not at all."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from caffe_lite.files import Aside, is_abandoned

log = logging.getLogger(__name__)


class Together:
    """All files are written aside and flushed to disk first. When the block ends without an error they take their
    names, one after the other in the order they were written in, each name on the disk before the next. So a full disk
    leaves what was there, and whoever finds the last file after the process was killed finds the others too.

    Raises:
        OSError: a file cannot be written, or not take its name; temporary files are removed.
    """

    def __init__(self) -> None:
        self._files: list[Aside] = []

    def __enter__(self) -> Together:
        return self

    def write(self, path: str, data: bytes) -> None:
        file = Aside(path)
        self._files.append(file)
        file.write(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for file in self._files:
                    file.take_name()
        finally:
            for file in self._files:
                file.discard()


def checksum(data: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return sha256(data).hexdigest()


def remove_leftovers(prefix: str) -> None:
    """Remove what a killed process has written aside of the snapshots ``PREFIX_iter_N``; a living one's stays."""
    folder, name = os.path.split(prefix)
    pattern = re.compile(rf"{re.escape(name)}_iter_\d+\.(caffemodel|solverstate|resume)(\.h5)?\.\w+\.tmp")
    with suppress(OSError):  # no such folder: who writes will say so
        for path in Path(folder or ".").iterdir():
            if pattern.fullmatch(path.name) and is_abandoned(path):
                path.unlink(missing_ok=True)
                log.info("Removed %s, which a killed process has left half written", path)
