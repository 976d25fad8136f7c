"""A walk through the records of a database, in the order of their keys."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

from caffe_lite.errors import DataError, SnapshotError
from caffe_lite.sources.tolerance import Skip, refuse

log = logging.getLogger(__name__)

Record: TypeAlias = "tuple[bytes | memoryview, bytes | memoryview]"


class Position:
    """A place in a store. A move tells whether it ended at a record. One that raises ``DataError`` has come to what
    cannot be read, and the next call of ``next`` goes on behind that."""

    def first(self) -> bool:
        raise NotImplementedError

    def next(self) -> bool:
        raise NotImplementedError

    def seek(self, key: bytes) -> bool:
        """Go to the first record whose key is not less."""
        raise NotImplementedError

    def record(self) -> Record:
        raise NotImplementedError

    def read(self, records: list[Record], count: int) -> bool:
        """Append the ``count`` records from here on, or those that there are, and go behind them."""
        for _ in range(count):
            records.append(self.record())
            if not self.next():
                return False
        return True

    def close(self) -> None:
        raise NotImplementedError


class Store(Protocol):
    """An open database. A backend's module has ``open_store(source)`` and ``write(folder)``."""

    def position(self) -> Position: ...

    def close(self) -> None: ...


class Cursor:
    """A walk through the records that begins anew at the end, as a Caffe data layer does.

    Args:
        skip: called where records cannot be read; they are left out unless it raises an error.

    Attributes:
        step: how many records on the next one is.

    Raises:
        DataError: the database holds no record, or what it holds is broken.
    """

    def __init__(self, position: Position, source: str, skip: Skip = refuse) -> None:
        self._position, self._source, self._skip = position, source, skip
        self.step = 1
        self._last: bytes | memoryview | None = None
        try:
            found = self._moved(position.first)
        except BaseException:
            position.close()
            raise
        if not found:
            position.close()
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
        for _ in range(self.step):
            if not self._moved(self._position.next):
                self._begin_anew()

    def take_share(self, rank: int, count: int) -> None:
        """Of the records from the current one on have this be number ``rank``, and every ``count``th after it."""
        for _ in range(rank):
            self.next()
        self.step = count

    def seek(self, key: bytes) -> None:
        """Go to the record of this key, or where there is none to the one that would follow it."""
        if not self._position.seek(key):
            self._position.first()

    def position(self) -> dict[str, Any]:
        """The key of the current record, and a checksum of its value."""
        key, value = self._position.record()
        return {"key": bytes(key), "checksum": zlib.crc32(value)}

    def go_to(self, position: dict[str, Any]) -> None:
        """Go to the record that was current when ``position`` was asked for.

        Raises:
            SnapshotError: it is not there any more, or another one; the cursor is anywhere then.
        """
        self.seek(position["key"])
        if self.position() != position:
            raise SnapshotError(f"{self._source} has changed: there is no record of key {position['key']!r} any more, "
                                "or another one")

    def read(self, count: int) -> list[Record]:
        """The next ``count`` records, the current one first. Memory views among them live as long as the
        cursor."""
        records: list[Record] = []
        while len(records) < count:
            try:
                found = self._position.read(records, count - len(records) if self.step == 1 else 1)
                self._last = records[-1][0]
            except DataError as error:
                self._last = records[-1][0]
                found = self._beyond(error)
            if not found:
                self._begin_anew()
            for _ in range(self.step - 1):
                if not self._moved(self._position.next):
                    self._begin_anew()
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

    def _moved(self, move: Callable[[], bool]) -> bool:
        """Whether a move ended at a record, beyond those that may be left out."""
        try:
            return move()
        except DataError as error:
            return self._beyond(error)

    def _beyond(self, error: DataError) -> bool:
        """Whether there is a record beyond what cannot be read, if that may be left out."""
        while True:
            key = b"" if self._last is None else bytes(self._last)
            behind = f" (behind the key {key.decode(errors='backslashreplace')!r})" if key else ""
            self._skip(DataError(f"{error}{behind}"))
            try:
                return self._position.next()
            except DataError as another:
                error = another

    def _begin_anew(self) -> None:
        log.info("Restarting data prefetching from start.")
        self._last = None
        if not self._moved(self._position.first):
            raise DataError(f"{self._source} holds no record that can be read; make it again")

    def close(self) -> None:
        self._position.close()
