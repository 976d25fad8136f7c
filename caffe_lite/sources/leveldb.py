"""LevelDB, read and written through plyvel."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caffe_lite.errors import DataError, DependencyError
from caffe_lite.sources.cursor import Position, Record, Store
from caffe_lite.sources.database import Put

BATCH = 1000  # records a write, as Caffe's converters


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
    db = plyvel.DB(folder, create_if_missing=True, write_buffer_size=64 << 20, block_size=65536)
    batch, waiting = db.write_batch(), 0

    def put(key: bytes, value: bytes) -> None:
        nonlocal batch, waiting
        batch.put(key, value)
        waiting += 1
        if waiting == BATCH:
            batch.write()
            batch, waiting = db.write_batch(), 0

    try:
        yield put
        batch.write()
        db.compact_range()  # out of the log, which each reader would have to replay, into tables
    except plyvel.Error as error:
        raise DataError(f"writing the LevelDB failed: {_text(error)}") from None
    finally:
        db.close()


class _LevelDB:
    def __init__(self, source: str, plyvel: Any) -> None:
        self._source = source
        self._error: type[Exception] = plyvel.Error
        self._shadow = None if _writable(source) else _shadow(source)
        folder = self._shadow.name if self._shadow else source
        try:
            self._db = plyvel.DB(folder, create_if_missing=False, max_open_files=100)
        except plyvel.Error as error:
            reason = _text(error)
            if reason.startswith("IO error: lock "):
                who = "this process itself" if "already held by process" in reason else "another process"
                raise DataError(
                    f"Failed to open leveldb {source}: it is locked by {who} (LevelDB lets in one at a "
                    "time); wait until that is done with it, or work on a copy of the folder"
                ) from None
            raise DataError(
                f"Failed to open leveldb {source}: {reason}; it is broken, make it again"
            ) from None

    def position(self) -> Position:
        # Training reads each record once a round: caching would only push out what is of use.
        iterator = self._db.raw_iterator(fill_cache=False, verify_checksums=True)
        return _Position(iterator, self._source, self._error)

    def close(self) -> None:
        self._db.close()
        if self._shadow:
            self._shadow.cleanup()


class _Position:
    def __init__(self, iterator: Any, source: str, error: type[Exception]) -> None:
        self._iterator, self._source, self._error = iterator, source, error

    def first(self) -> bool:
        return self._move(self._iterator.seek_to_first)

    def next(self) -> bool:
        return self._move(self._iterator.next)

    def seek(self, key: bytes) -> bool:
        return self._move(self._iterator.seek, key)

    def record(self) -> Record:
        return self._iterator.item()

    def close(self) -> None:
        self._iterator.close()

    def _move(self, move: Callable[..., None], *args: bytes) -> bool:
        try:
            move(*args)
        except self._error as error:
            raise DataError(
                f"{self._source}: a record cannot be read: {_text(error)}; make the database again"
            ) from None
        return self._iterator.valid()


def _writable(source: str) -> bool:
    lock = os.path.join(source, "LOCK")
    return os.access(source, os.W_OK) and (os.access(lock, os.W_OK) or not os.path.exists(lock))


def _shadow(source: str) -> tempfile.TemporaryDirectory[str]:
    """A writable stand-in for a read-only database: opening writes the lists of files anew and takes a lock.
    The tables, which are nearly all of it and never change, are only linked to."""
    shadow = tempfile.TemporaryDirectory(prefix="caffe_lite-leveldb-")
    for file in Path(source).resolve().iterdir():
        if file.suffix in (".ldb", ".sst"):
            (Path(shadow.name) / file.name).symlink_to(file)
        elif file.name != "LOCK":
            shutil.copyfile(file, Path(shadow.name) / file.name)
    return shadow


def _text(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
