"""LMDB, read and written through the package of that name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caffe_lite.errors import DataError, DependencyError
from caffe_lite.sources.cursor import Position, Record, Store
from caffe_lite.sources.database import Put

BATCH = 1000  # records a transaction, as Caffe's converters
MAP_SIZE = 64 << 20  # bytes, to begin with; only as much of it as is used becomes a file


def open_store(source: str) -> Store:
    """Open for reading, without a lock, so that folders may be read-only and anybody may read along.

    Raises:
        DataError: the database is broken.
        DependencyError: lmdb is not installed.
    """
    lmdb = _lmdb("reading")
    try:
        return _LMDB(source, lmdb)
    except lmdb.Error as error:
        raise DataError(f"Failed to open lmdb {source}: {error}; it is broken, make it again") from None


@contextmanager
def write(folder: str) -> Iterator[Put]:
    """Fill a new database in an empty folder, 1,000 records a transaction; its map grows as needed.

    Raises:
        DataError: it cannot be written, the disk being full or the like.
        DependencyError: lmdb is not installed.
    """
    lmdb = _lmdb("writing")
    waiting: list[tuple[bytes, bytes]] = []

    def put(key: bytes, value: bytes) -> None:
        waiting.append((key, value))
        if len(waiting) == BATCH:
            commit()

    def commit() -> None:
        while True:
            try:
                with env.begin(write=True) as transaction, transaction.cursor() as cursor:
                    cursor.putmulti(waiting)
            except lmdb.MapFullError:
                env.set_mapsize(2 * env.info()["map_size"])
            else:
                waiting.clear()
                return

    try:
        with lmdb.open(folder, map_size=MAP_SIZE, max_dbs=0, sync=False) as env:
            yield put
            commit()
            env.sync(True)
    except lmdb.Error as error:
        raise DataError(f"writing the LMDB failed: {error}") from None


class _LMDB:
    def __init__(self, source: str, lmdb: Any) -> None:
        self._source, self._error = source, lmdb.Error
        self._env = lmdb.open(source, readonly=True, create=False, lock=False, max_dbs=0)
        # What is cut off a file is still in the map, and touching it kills the process.
        needed = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        found = (Path(source) / "data.mdb").stat().st_size
        if found < needed:
            self._env.close()
            raise DataError(
                f"Failed to open lmdb {source}: data.mdb is truncated: expected {needed} bytes, found "
                f"{found}; make or copy it again"
            )

    def position(self) -> Position:
        return _Position(self._env, self._source, self._error)

    def close(self) -> None:
        self._env.close()


class _Position:
    def __init__(self, env: Any, source: str, error: type[Exception]) -> None:
        self._source, self._error = source, error
        self._transaction = env.begin(buffers=True)
        self._cursor = self._transaction.cursor()

    def first(self) -> bool:
        return self._move(self._cursor.first)

    def next(self) -> bool:
        return self._move(self._cursor.next)

    def seek(self, key: bytes) -> bool:
        return self._move(self._cursor.set_range, key)

    def record(self) -> Record:
        return self._cursor.item()

    def close(self) -> None:
        self._cursor.close()
        self._transaction.abort()

    def _move(self, move: Callable[..., bool], *args: bytes) -> bool:
        try:
            return move(*args)
        except self._error as error:
            raise DataError(
                f"{self._source}: a record cannot be read: {error}; make the database again"
            ) from None


def _lmdb(doing: str) -> Any:
    try:
        import lmdb
    except ImportError:
        raise DependencyError(
            f"{doing} an LMDB needs a package that is not installed: pip install 'caffe_lite[lmdb]'"
        ) from None
    return lmdb
