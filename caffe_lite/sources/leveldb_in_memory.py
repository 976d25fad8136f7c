"""LevelDB where plyvel is not: read through rleveldb, which takes no lock and knows every platform.

rleveldb hands out the raw records of all files, superseded ones too, so that they are brought into order
here, in memory; for databases that do not fit there is plyvel.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

from caffe_lite.errors import DataError, DependencyError
from caffe_lite.sources.cursor import Position, Record
from caffe_lite.sources.leveldb_check import BrokenFile, check_files


class LevelDBInMemory:
    """The live records of a LevelDB folder.

    Raises:
        DataError: it cannot be read.
        DependencyError: rleveldb is not installed.
    """

    def __init__(self, source: str) -> None:
        try:
            import rleveldb
        except ImportError:
            raise DependencyError(
                f"reading the LevelDB {source} needs plyvel or rleveldb: `pip install plyvel` (Linux, "
                "Python 3.8 to 3.12) or `pip install rleveldb`"
            ) from None
        try:
            check_files(Path(source))  # rleveldb passes over a truncated table without a word
        except BrokenFile as error:
            raise DataError(f"Failed to open leveldb {source}: {error}; make it again") from None
        newest: dict[bytes, tuple[int, bytes | None]] = {}
        try:
            with rleveldb.RawLevelDb(source) as files:
                for record in files.iterate_records_raw():
                    if record.user_key not in newest or newest[record.user_key][0] < record.seq:
                        live = record.state == rleveldb.KeyState.Live
                        newest[record.user_key] = record.seq, record.value if live else None
        except Exception as error:  # whatever a broken file brings about
            raise DataError(
                f"Failed to open leveldb {source}: {error}; it is broken, make it again"
            ) from None
        self._records = [(key, value) for key, (_, value) in sorted(newest.items()) if value is not None]

    def position(self) -> Position:
        return _Position(self._records)

    def close(self) -> None:
        self._records = []


class _Position(Position):
    def __init__(self, records: list[tuple[bytes, bytes]]) -> None:
        self._records, self._index = records, 0

    def first(self) -> bool:
        self._index = 0
        return bool(self._records)

    def next(self) -> bool:
        self._index += 1
        return self._index < len(self._records)

    def seek(self, key: bytes) -> bool:
        self._index = bisect_left(self._records, (key, b""))
        return self._index < len(self._records)

    def record(self) -> Record:
        return self._records[self._index]

    def close(self) -> None:
        self._records = []
