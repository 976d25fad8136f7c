"""A walk through the records of a database, in the order of their keys."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Protocol, TypeAlias

from caffe_lite.errors import DataError

log = logging.getLogger(__name__)

Record: TypeAlias = "tuple[bytes | memoryview, bytes | memoryview]"


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

    def batches(self, count: int) -> Iterator[list[Record]]:
        """All records once, from the first to the last, ``count`` at a time, fewer at the end."""
        records = []
        more = self._position.first()
        while more:
            records.append(self._position.record())
            more = self._position.next()
            if len(records) == count or not more:
                yield records
                records = []

    def close(self) -> None:
        self._position.close()
