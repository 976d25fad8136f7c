"""Files: read up to a size, replaced whole or not at all, and found where the prototxt that names them means them."""

from __future__ import annotations

import errno
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

MOST_BYTES = (1 << 31) - 1
"""The largest file that is read whole: what protobuf takes."""

TOLD: set[tuple[str, str, str]] = set()
"""What ``locate`` has warned of: a file that names others, their folder and the ending of their names."""

_PIECE = 1 << 20
log = logging.getLogger(__name__)


def read_whole(path: str | os.PathLike[str], most: int = MOST_BYTES, pipes: bool = False) -> bytes:
    """All bytes of a file that has no more than ``most`` of them.

    What is no file of a known size is refused, since it may have no end, or never begin: names come out of lists and
    messages that strangers have written.

    Args:
        pipes: a pipe is read too, as a shell's ``<(command)`` is.

    Raises:
        OSError: there is no such file, it cannot be read, is no regular one, or is larger.
    """
    name = os.fspath(path)
    if "\0" in str(name):
        raise OSError(errno.EINVAL, "a file's name has no zero byte", name)
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    pipe = pipes and stat.S_ISFIFO(status.st_mode)
    if not pipe and not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "this is a device or a pipe, and a file is expected", name)
    too_large = OSError(errno.EFBIG, f"larger than {most} bytes, the most that is read", name)
    if status.st_size > most:
        raise too_large
    with open(path, "rb") as file:
        data = file.read(status.st_size)
        while len(data) <= most and (more := file.read(_PIECE)):  # of a pipe, or of a file that is still growing
            data += more
    if len(data) > most:
        raise too_large
    return data


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file for binary writing that appears at ``path`` only when the block ends without an error.

    The bytes go to a temporary name in the same folder, are flushed to disk, and the name is exchanged; the
    folder is flushed too, so that a power cut leaves the old file or the new one. On an error the temporary
    file is removed and ``path`` stays as it was.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    aside = Aside(path)
    try:
        yield aside.file
        aside.flush()
        aside.take_name()
    finally:
        aside.discard()


class Aside:
    """A file written under a temporary name beside the one it is to take.

    While it is open it is locked, so that others can tell whether somebody is still at it; see ``is_abandoned``.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full; it names ``path``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._target = Path(path)
        with self._about_target():
            handle, self._name = tempfile.mkstemp(".tmp", self._target.name + ".", self._target.parent)
        self.file = os.fdopen(handle, "wb")
        _lock(handle)

    def write(self, data: bytes) -> None:
        """Write all of it, and have it on the disk."""
        with self._about_target():
            self.file.write(data)
        self.flush()

    def flush(self) -> None:
        """Have what was written on the disk."""
        with self._about_target():
            self.file.flush()
            os.fsync(self.file.fileno())

    def take_name(self) -> None:
        """Take the place of what is at ``path``, and have that on the disk."""
        with self._about_target():
            self.file.close()
            os.chmod(self._name, 0o666 & ~umask())
            os.replace(self._name, self._target)
            self._name = ""
            flush(self._target.parent)

    def discard(self) -> None:
        """Close it, and remove it if it has not taken its name."""
        with suppress(OSError):  # what was not written stays in the buffer, and closing tries once more
            self.file.close()
        if self._name:
            with suppress(OSError):
                os.unlink(self._name)

    @contextmanager
    def _about_target(self) -> Iterator[None]:
        """The user knows the target's name, not the temporary one."""
        try:
            yield
        except OSError as error:
            raise type(error)(error.errno, error.strerror, str(self._target)) from None


def is_abandoned(path: str | os.PathLike[str]) -> bool:
    """Whether nobody is writing this temporary file any more; False where that cannot be told."""
    try:
        with open(path, "rb") as file:
            return _lock(file.fileno())
    except OSError:
        return False


def _lock(handle: int) -> bool:
    """Lock an open file until it is closed, and say whether that worked; a process that is killed closes its files."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):  # Windows, a file system without locks, or another process has it
        return False
    return True


def locate(path: str, named_by: str | os.PathLike[str] | None = None) -> str:
    """``path`` as it is usable from the working folder.

    As in Caffe a relative path counts from the working folder. Where it is not there, the folders above the
    file that names it are tried, nearest first, so that ``examples/mnist/lenet.prototxt`` is found from
    inside ``examples/mnist`` too. A path found nowhere comes back unchanged, for the error to name. Where another file
    than that of the working folder is found so, a warning names both, once.
    """
    if os.path.normpath(path) == "." or os.path.isabs(path) or named_by is None:
        return path
    here = os.path.exists(path)
    for folder in Path(os.path.abspath(named_by)).parents:
        if os.path.exists(folder / path):
            if here:
                _tell_of_two(path, folder / path, named_by)
            return path if here else os.path.relpath(folder / path)
    return path


def _tell_of_two(path: str, other: Path, named_by: str | os.PathLike[str]) -> None:
    """Warn if both are not the same file; of the files of one folder and kind that one file names once."""
    key = os.path.abspath(named_by), os.path.dirname(os.path.abspath(path)), os.path.splitext(path)[1]
    if key not in TOLD and not os.path.samefile(path, other):
        TOLD.add(key)
        log.warning("%s names %s, and there are two of these: %s, which is taken, as Caffe takes it, since this is the "
                    "working folder, and %s. If you mean the other, work in its folder", os.fspath(named_by), path,
                    os.path.abspath(path), other)


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
