"""A folder that is made whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caffe_lite.errors import DataError
from caffe_lite.files import flush, umask


@contextmanager
def new_folder(path: str | os.PathLike[str], taken: str) -> Iterator[str]:
    """A folder to fill that appears at ``path`` only when the block ends without an error.

    The block gets a temporary folder beside ``path``. An empty folder at ``path`` is replaced.

    Args:
        taken: the beginning of the message when something is there already.

    Raises:
        DataError: ``path`` exists, or the folder it would be in does not.
        OSError: that folder is not writable, or the disk is full.
    """
    target = Path(os.path.abspath(path))
    if target.is_dir() and not target.is_symlink():
        free = not any(target.iterdir())
    else:
        free = not os.path.lexists(target)
    if not free:
        raise DataError(f"{taken} Remove it first (rm -r {path}), or give another name")
    if not target.parent.is_dir():
        raise DataError(f"cannot make {path}: there is no folder {target.parent}; make that first")
    folder = Path(tempfile.mkdtemp(prefix=target.name + ".", suffix=".tmp", dir=target.parent))
    try:
        yield str(folder)
        for file in folder.iterdir():
            flush(file)
        folder.chmod(0o777 & ~umask())
        flush(folder)
        folder.replace(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    flush(target.parent)
