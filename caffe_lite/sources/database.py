"""A database of records in the order of their keys: what LevelDB and LMDB have in common."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from caffe_lite.errors import DataError
from caffe_lite.sources.cursor import Cursor, Store
from caffe_lite.sources.folder import new_folder
from caffe_lite.sources.tolerance import Skip, refuse

log = logging.getLogger(__name__)

Put: TypeAlias = Callable[[bytes, bytes], None]

BACKENDS = {"leveldb": "caffe_lite.sources.leveldb", "lmdb": "caffe_lite.sources.lmdb"}
MARKS = {"leveldb": "CURRENT", "lmdb": "data.mdb"}  # a file that each backend's folders have


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
                    _check_folder(source, backend)
                    _stores[path] = module.open_store(source)
            except BaseException:
                _give_back(path)
                raise
        log.info("Opened %s %s", backend, source)
        self._store: Store = _stores[path]
        self._release = weakref.finalize(self, _give_back, path)

    def cursor(self, skip: Skip = refuse) -> Cursor:
        """A new cursor at the first record. Close it before the database.

        Args:
            skip: called where records cannot be read; they are left out unless it raises an error.
        """
        return Cursor(self._store.position(), self.source, skip)

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
    taken = f"Failed to open {backend} {source}. Is it already existing?"
    with new_folder(source, taken) as folder, write(folder) as put:
        yield put


def _backend(name: str) -> Any:
    if name not in BACKENDS:
        raise DataError(f"Unknown database backend {name!r}: expected {' or '.join(BACKENDS)}")
    return import_module(BACKENDS[name])


def _check_folder(source: str, backend: str) -> None:
    folder = Path(source)
    kinds = [kind for kind, mark in MARKS.items() if (folder / mark).exists()]
    if backend in kinds:
        return
    if not folder.exists():
        found = "it does not exist; give the folder that one of the convert_ commands made"
    elif not folder.is_dir():
        found = "it is a file; give the folder that one of the convert_ commands made"
    elif kinds:
        found = f"it is of the {kinds[0]} kind; say `backend: {kinds[0].upper()}`"
    else:
        found = f"there is no database in it: no file {MARKS[backend]}; make it again"
    raise DataError(f"Failed to open {backend} {source}: {found}")


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
