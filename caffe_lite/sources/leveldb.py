"""LevelDB, read and written through plyvel."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from caffe_lite.errors import DataError, DependencyError
from caffe_lite.limits import current
from caffe_lite.sources.cursor import Position, Record, Store
from caffe_lite.sources.database import Put
from caffe_lite.sources.leveldb_check import BrokenFile, check_files

log = logging.getLogger(__name__)

BATCH = 1000  # records a write, as Caffe's converters
OPENING = {"create_if_missing": False, "max_open_files": 100, "paranoid_checks": True}
# Bytes of a database that is so small, as it lies on disk, that it is kept unpacked, and most that is; what part that
# may be of what nets may take. Each so many records that are read unpack a burst, so that after a sixteenth of the
# first round memory stays what it is, and most batches are made as quickly as ever.
SMALL, KEPT, PART = 32 << 20, 128 << 20, 32
EVERY, BURST = 256, 4096
TRIES, PAUSE = 20, 0.05  # how often to look, and the seconds between, for another process to have opened a database
BUSY = ": Resource temporarily unavailable"  # how the system says that another process has the lock


def open_store(source: str) -> Store:
    """Open for reading.

    Raises:
        DataError: the database is broken or locked.
        DependencyError: neither plyvel nor rleveldb is installed.
    """
    try:
        import plyvel
    except ImportError:
        from caffe_lite.sources.leveldb_in_memory import LevelDBInMemory

        return LevelDBInMemory(source)
    return _LevelDB(source, plyvel)


@contextmanager
def write(folder: str) -> Iterator[Put]:
    """Fill a new database in an empty folder, 1,000 records a batch, compressed with snappy as by Caffe.

    Raises:
        DataError: it cannot be written, the disk being full or the like.
        DependencyError: plyvel is not installed.
    """
    try:
        import plyvel
    except ImportError:
        raise DependencyError(
            "writing a LevelDB needs plyvel, which is not installed. `pip install plyvel` gets it on "
            "Linux with Python 3.8 to 3.12; elsewhere that builds it and needs LevelDB's headers "
            "(libleveldb-dev). Or make an LMDB instead: `pip install 'caffe_lite[lmdb]'`, "
            "--backend=lmdb, and `backend: LMDB` in the net"
        ) from None
    try:
        with closing(plyvel.DB(folder, create_if_missing=True, write_buffer_size=64 << 20, block_size=65536)) as db:
            batch, waiting = db.write_batch(), 0

            def put(key: bytes, value: bytes) -> None:
                nonlocal batch, waiting
                batch.put(key, value)
                waiting += 1
                if waiting == BATCH:
                    batch.write()
                    batch, waiting = db.write_batch(), 0

            yield put
            batch.write()
            db.compact_range()  # out of the log, which each reader would have to replay, into tables
    except plyvel.Error as error:
        raise DataError(f"writing the LevelDB failed: {_text(error)}") from None


class _LevelDB:
    def __init__(self, source: str, plyvel: Any) -> None:
        self._source = source
        self._error: type[Exception] = plyvel.Error
        try:
            check_files(Path(source))
        except BrokenFile as error:
            raise DataError(f"Failed to open leveldb {source}: {error}; it is broken, make it again") from None
        memory = current().memory
        self._keeps = _size(source) <= SMALL and (memory is None or memory >= PART * KEPT)
        self._opening = {**OPENING, "lru_cache_size": KEPT} if self._keeps else OPENING
        self._shadow = None if _writable(source) else _shadow(source)
        try:
            self._open(plyvel)
        except plyvel.Error as error:
            reason = _text(error)
            if reason.startswith("IO error: lock "):
                who = "this process itself" if "already held by process" in reason else "another process, which writes"
                raise DataError(
                    f"Failed to open leveldb {source}: it is locked by {who} (LevelDB lets in one at a "
                    "time); wait until that is done with it, or work on a copy of the folder"
                ) from None
            raise DataError(
                f"Failed to open leveldb {source}: {reason}; it is broken, make it again"
            ) from None

    def _open(self, plyvel: Any) -> None:
        folder = self._shadow.name if self._shadow else self._source
        try:
            self._db = plyvel.DB(folder, **self._opening)
        except plyvel.Error as error:
            if self._shadow or not _text(error).endswith(BUSY) or _is_written(self._source):
                raise
            log.info("%s is open in another process: reading beside it", self._source)
            self._open_shadow(plyvel)

    def _open_shadow(self, plyvel: Any) -> None:
        """While the other process is still opening it, its lists of files do not fit each other."""
        for left in reversed(range(TRIES)):
            self._shadow = _shadow(self._source)
            try:
                self._db = plyvel.DB(self._shadow.name, **self._opening)
                return
            except plyvel.Error:
                self._shadow.cleanup()
                if not left:
                    raise
            time.sleep(PAUSE)

    def position(self) -> Position:
        ahead = self._db.iterator(include_value=False, verify_checksums=True) if self._keeps else None
        return _Position(self._new_iterator, self._source, self._error, ahead)

    def _new_iterator(self) -> Any:
        # Training reads each record once a round: of a large database nothing would be kept until its turn comes again.
        return self._db.raw_iterator(fill_cache=self._keeps, verify_checksums=True)

    def close(self) -> None:
        self._db.close()
        if self._shadow:
            self._shadow.cleanup()


class _Position(Position):
    def __init__(self, new_iterator: Callable[[], Any], source: str, error: type[Exception], ahead: Any) -> None:
        self._new_iterator, self._source, self._error = new_iterator, source, error
        self._iterator: Any = new_iterator()
        self._is_behind = False
        self._ahead, self._read = ahead, 0

    def first(self) -> bool:
        return self._move("seek_to_first")

    def next(self) -> bool:
        if self._is_behind:
            self._is_behind = False
            return bool(self._iterator.valid())
        return self._move("next")

    def seek(self, key: bytes) -> bool:
        return self._move("seek", key)

    def record(self) -> Record:
        return self._iterator.item()

    def read(self, records: list[Record], count: int) -> bool:
        self._unpack(count)
        item, move, found = self._iterator.item, self._iterator.next, self._iterator.valid
        try:
            for _ in range(count):
                records.append(item())
                move()
                if not found():
                    return False
        except self._error as error:
            raise self._unreadable(error) from None
        return True

    def close(self) -> None:
        if self._iterator is not None:
            self._iterator.close()
        self._iterator = None  # plyvel complains of iterators that outlive their database
        self._end_unpacking()

    def _unpack(self, count: int) -> None:
        """Have some more kept now and then, until all are or one cannot be read: it is told of when its turn comes."""
        self._read += count
        if self._ahead is None or self._read < EVERY:
            return
        self._read, found = 0, deque[bytes](maxlen=1)
        with suppress(self._error):
            found.extend(islice(self._ahead, BURST))
        if not found:
            self._end_unpacking()

    def _end_unpacking(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = None

    def _move(self, move: str, *args: bytes) -> bool:
        self._is_behind = False
        try:
            getattr(self._iterator, move)(*args)
        except self._error as error:
            raise self._unreadable(error) from None
        return bool(self._iterator.valid())

    def _unreadable(self, error: Exception) -> DataError:
        """Stand at the first record behind a broken block, with a new iterator: the old one goes on failing."""
        key = self._iterator.key() if self._iterator.valid() else None
        self._iterator.close()
        self._iterator = self._new_iterator()
        self._is_behind = True
        if key is not None:
            with suppress(self._error):
                self._iterator.seek(key)
        return DataError(f"{self._source}: a record cannot be read: {_text(error)}; make the database again")


def _size(source: str) -> int:
    size = 0
    for file in Path(source).iterdir():
        with suppress(FileNotFoundError):  # another process has the database open, and has just put tables together
            size += file.stat().st_size
    return size


def _writable(source: str) -> bool:
    lock = os.path.join(source, "LOCK")
    return os.access(source, os.W_OK) and (os.access(lock, os.W_OK) or not os.path.exists(lock))


def _shadow(source: str) -> tempfile.TemporaryDirectory[str]:
    """A writable stand-in for a database that is read-only or locked: opening writes the lists of files anew and takes
    a lock. The tables, which are nearly all of it and never change, are only linked to."""
    shadow = tempfile.TemporaryDirectory(prefix="caffe_lite-leveldb-")
    for file in Path(source).resolve().iterdir():
        with suppress(FileNotFoundError):  # it has gone this moment; LevelDB says so if it is missed
            if file.suffix in (".ldb", ".sst"):
                _link(file, Path(shadow.name) / file.name)
            elif file.name != "LOCK":
                shutil.copyfile(file, Path(shadow.name) / file.name)
    return shadow


def _link(file: Path, name: Path) -> None:
    try:
        os.link(file, name)  # which stays when whoever has the database open puts tables together and removes them
    except OSError:  # another file system, or another user's file
        name.symlink_to(file)


def _is_written(source: str) -> bool:
    """Whether records are being put in: opening for reading leaves LevelDB's log of changes empty."""
    with suppress(FileNotFoundError):  # another process has just opened it, and begun a new one
        return any(file.stat().st_size for file in Path(source).glob("*.log"))
    return False


def _text(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
