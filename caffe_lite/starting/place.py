"""Where a starting folder appears, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caffe_lite.errors import DataError
from caffe_lite.sources.folder import new_folder


@contextmanager
def new_place(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder to fill; what is in it is at ``path`` when the block ends without an error.

    An empty folder at ``path`` is filled, not replaced: it may be the one that somebody stands in.

    Raises:
        DataError: there is something at ``path``, or no folder that it could be in.
        OSError: that folder is not writable, or the disk is full.
    """
    target = Path(path)
    empty = target.is_dir() and not any(target.iterdir())
    if os.path.lexists(target) and not empty:
        raise DataError(f"{path} is there already, and is not empty; nothing is overwritten. Give another name")
    with new_folder(target / "unfinished" if empty else target, f"{path} is there already.") as folder:
        yield Path(folder)
    if empty:
        for entry in (target / "unfinished").iterdir():
            entry.replace(target / entry.name)
        (target / "unfinished").rmdir()
