"""LMDB: read page by page, written through the package of that name."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from caffe_lite.errors import DataError, DependencyError
from caffe_lite.sources.cursor import Position, Record, Store
from caffe_lite.sources.database import Put
from caffe_lite.sources.lmdb_pages import Page, Pages

BATCH = 1000  # records a transaction, as Caffe's converters
MAP_SIZE = 64 << 20  # bytes, to begin with; only as much of it as is used becomes a file
DEEPEST = 32  # levels of the tree, as in LMDB


def open_store(source: str) -> Store:
    """Open for reading, without a lock, so that folders may be read-only and anybody may read along.

    Raises:
        DataError: the database is broken.
    """
    return _LMDB(source)


@contextmanager
def write(folder: str) -> Iterator[Put]:
    """Fill a new database in an empty folder, 1,000 records a transaction; its map grows as needed.

    Raises:
        DataError: it cannot be written, the disk being full or the like.
        DependencyError: lmdb is not installed.
    """
    lmdb = _lmdb()
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
    def __init__(self, source: str) -> None:
        self._source = source
        self.position().close()  # where it is broken at its beginning, say so now

    def position(self) -> _Position:
        try:
            return _Position(Pages(self._source))
        except OSError as error:
            raise DataError(f"Failed to open lmdb {self._source}: {error.strerror}") from None

    def close(self) -> None:
        """Nothing: each position has the file open for itself."""


class _Position(Position):
    """A place in the tree: the pages from its root down to a leaf, each with the index of a node."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._path: list[tuple[Page, int]] = []
        self._key = self._value = b""

    def first(self) -> bool:
        self._path, self._key = [], b""
        return self._pages.root is not None and self._descend(self._pages.root)

    def next(self) -> bool:
        while self._path:
            page, index = self._path[-1]
            if index + 1 == len(page.nodes):
                self._path.pop()
            elif page.leaf:
                self._at(page, index + 1)
                return True
            else:
                self._path[-1] = page, index + 1  # before what may fail, so that the next call goes on behind it
                self._pages.key(page, index + 1)
                if self._descend(self._pages.child(page, index + 1)):
                    return True
        return False

    def seek(self, key: bytes) -> bool:
        self._path, self._key = [], b""
        number = self._pages.root
        while number is not None:
            page = self._pages.page(number)
            keys = [self._pages.key(page, index) for index in range(len(page.nodes))]
            if page.leaf:
                index = bisect_left(keys, key)
                self._path.append((page, index - 1))
                return self.next()
            index = max(bisect_right(keys, key, lo=1) - 1, 0) if keys else 0
            self._append(page, index)
            number = self._pages.child(page, index)
        return False

    def record(self) -> Record:
        return self._key, self._value

    def close(self) -> None:
        self._path = []
        self._pages.close()

    def _descend(self, number: int) -> bool:
        """Go to the first record below a page."""
        while True:
            page = self._pages.page(number)
            if page.leaf:
                break
            self._append(page, 0)
            number = self._pages.child(page, 0)
        self._path.append((page, -1))
        return self.next()

    def _append(self, page: Page, index: int) -> None:
        if not page.nodes or len(self._path) == DEEPEST:
            self._pages.fail(f"page {page.number} is damaged")
        self._path.append((page, index))
        self._pages.key(page, index)

    def _at(self, page: Page, index: int) -> None:
        self._path[-1] = page, index
        key = self._pages.key(page, index)
        if key <= self._key and self._key:
            self._pages.fail(f"page {page.number} is damaged: its keys are not in order")
        self._key = key
        self._value = self._pages.value(page, index)


def _lmdb() -> Any:
    try:
        import lmdb
    except ImportError:
        raise DependencyError(
            "writing an LMDB needs a package that is not installed: pip install 'caffe_lite[lmdb]'"
        ) from None
    return lmdb
