"""Files: replaced whole or not at all, and found where the prototxt that names them means them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for binary writing that appears at ``path`` only when the block ends without an error.

    The bytes go to a temporary name in the same folder, are flushed to disk, and the name is exchanged; the
    folder is flushed too, so that a power cut leaves the old file or the new one. On an error the temporary
    file is removed and ``path`` stays as it was.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=target.name + ".", suffix=".tmp", dir=target.parent)
    except OSError as error:  # the user knows the target's name, not the temporary one
        raise type(error)(error.errno, error.strerror, str(target)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~umask())
        os.replace(name, target)
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise
    flush(target.parent)


def locate(path: str, named_by: str | os.PathLike[str] | None = None) -> str:
    """``path`` as it is usable from the working folder.

    As in Caffe a relative path counts from the working folder. Where it is not there, the folders above the
    file that names it are tried, nearest first, so that ``examples/mnist/lenet.prototxt`` is found from
    inside ``examples/mnist`` too. A path found nowhere comes back unchanged, for the error to name.
    """
    if not path or os.path.isabs(path) or os.path.exists(path) or named_by is None:
        return path
    for folder in Path(os.path.abspath(named_by)).parents:
        if (folder / path).exists():
            return os.path.relpath(folder / path)
    return path


def umask() -> int:
    """The permissions that new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before going on."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
