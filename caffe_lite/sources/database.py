"""A database of records in the order of their keys: what LevelDB and LMDB have in common."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any, Protocol, TypeAlias

from caffe_lite.errors import DataError
from caffe_lite.sources.folder import new_folder

log = logging.getLogger(__name__)

Record: TypeAlias = "tuple[bytes | memoryview, bytes | memoryview]"
Put: TypeAlias = Callable[[bytes, bytes], None]

BACKENDS = {"leveldb": "caffe_lite.sources.leveldb", "lmdb": "caffe_lite.sources.lmdb"}


class Position(Protocol):
    """A place in a store. A move tells whether it ended at a record; all may raise ``DataError``."""

    def first(self) -> bool: ...

    def next(self) -> bool: ...

    def seek(self, key: bytes) -> bool:
        """Go to the first record whose key is not less."""

    def record(self) -> Record: ...

    def close(self) -> None: ...


class Store(Protocol):
    """An open database. A backend's module has ``open_store(source)`` and ``write(folder)``."""

    def position(self) -> Position: ...

    def close(self) -> None: ...


class Cursor:
    """A walk through the records that begins anew at the end, as a Caffe data layer does.

    Raises:
        DataError: the database holds no record, or what it holds is broken.
    """

    def __init__(self, position: Position, source: str) -> None:
        self._position = position
        if not position.first():
            raise DataError(f"{source} holds no records; was its making interrupted? Make it again")

    @property
    def key(self) -> bytes:
        """The key of the current record; ``seek(key)`` comes back to it."""
        return bytes(self._position.record()[0])

    @property
    def value(self) -> bytes:
        """The value of the current record."""
        return bytes(self._position.record()[1])

    def next(self) -> None:
        """Go to the next record, from the last one to the first."""
        if not self._position.next():
            log.info("Restarting data prefetching from start.")
            self._position.first()

    def seek(self, key: bytes) -> None:
        """Go to the record of this key, or where there is none to the one that would follow it."""
        if not self._position.seek(key):
            self._position.first()

    def read(self, count: int) -> list[Record]:
        """The next ``count`` records, the current one first. Memory views among them live as long as the
        cursor."""
        records = []
        for _ in range(count):
            records.append(self._position.record())
            self.next()
        return records

    def close(self) -> None:
        self._position.close()


class Database:
    """A hold on a database that is open for reading.

    LevelDB must not be opened twice in a process (the second try fails, and frees the lock that keeps other
    processes out), nor should LMDB, but a train and a test net may read the same source. So each real path is
    opened once, and closed when the last hold on it is closed or dropped.

    Args:
        source: the database's folder.
        backend: ``leveldb`` or ``lmdb``.

    Raises:
        DataError: there is no such database there, it is broken or locked, or nobody knows the backend.
        DependencyError: the package that reads it is not installed.
    """

    def __init__(self, source: str, backend: str) -> None:
        module = _backend(backend)
        self.source = source
        path = os.path.realpath(source)
        with _lock:
            _users[path] = _users.get(path, 0) + 1  # first: from here on a garbage collection leaves it open
            try:
                if path not in _stores:
                    _stores[path] = module.open_store(source)
            except BaseException:
                _give_back(path)
                raise
        log.info("Opened %s %s", backend, source)
        self._store: Store = _stores[path]
        self._release = weakref.finalize(self, _give_back, path)

    def cursor(self) -> Cursor:
        """A new cursor at the first record. Close it before the database."""
        return Cursor(self._store.position(), self.source)

    def close(self) -> None:
        self._release()


@contextmanager
def create_database(source: str, backend: str) -> Iterator[Put]:
    """Make a database: ``put(key, value)`` adds records, in the order of their keys if it is to be quick.

    It appears at ``source`` when the block ends without an error; otherwise nothing stays behind.

    Raises:
        DataError: something is at ``source`` already, or nobody knows the backend.
        DependencyError: the package that writes it is not installed.
    """
    write: Callable[[str], AbstractContextManager[Put]] = _backend(backend).write
    with new_folder(source, f"Failed to open {backend} {source}. Is it already existing?") as folder:
        with write(folder) as put:
            yield put


def _backend(name: str) -> Any:
    if name not in BACKENDS:
        raise DataError(f"Unknown database backend {name!r}: expected {' or '.join(BACKENDS)}")
    return import_module(BACKENDS[name])


def _give_back(path: str) -> None:
    with _lock:
        _users[path] -= 1
        if _users[path] == 0:
            del _users[path]
            store = _stores.pop(path, None)
            if store is not None:
                store.close()


_lock = threading.RLock()  # a garbage collection inside may drop another database
_stores: dict[str, Store] = {}
_users: dict[str, int] = {}
