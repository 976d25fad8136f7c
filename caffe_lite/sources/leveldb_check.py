"""A look at a LevelDB's files before LevelDB opens them.

LevelDB takes as much memory as a block says that it is long, before it knows whether there are so many bytes, and where
the system does not give it, that ends the process. What says where blocks are: the manifest for the tables' sizes, a
table's footer for its index, the index for the data. So these three are read here and compared with the real sizes;
what they say otherwise is LevelDB's to check, by its checksums.

Source: LevelDB's doc/table_format.md and doc/log_format.md, version_edit.cc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from caffe_lite.files import read_whole
from caffe_lite.sources.snappy import decompress
from caffe_lite.sources.varints import Reader

TABLE_END = bytes.fromhex("57fb808b247547db")
FOOTER, TRAILER = 48, 5  # bytes; a block's trailer is its compression and a checksum
LOG_BLOCK, LOG_HEADER = 32768, 7
TABLES = (".ldb", ".sst")
_TRIES = 5


class BrokenFile(Exception):
    """What is wrong with a file of a LevelDB."""


def check_files(folder: Path) -> None:
    """Raise ``BrokenFile`` where a file of the database is not what the others say.

    Another process that opens the database meanwhile writes a new manifest: then it is looked at again.
    """
    for _ in range(_TRIES):
        before = _state(folder)
        try:
            return _check_files(folder)
        except BrokenFile:
            if _state(folder) == before:
                raise
    raise BrokenFile("another process goes on changing it")


def _state(folder: Path) -> list[tuple[str, int]]:
    try:
        return sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir() if path.suffix not in TABLES)
    except OSError:  # one has just been removed
        return []


def _check_files(folder: Path) -> None:
    try:
        current = read_whole(folder / "CURRENT", 4096).decode("ascii", "replace")
        if not re.fullmatch(r"MANIFEST-[0-9]+\n", current):
            raise BrokenFile("CURRENT does not name a manifest")
        tables = _tables(read_whole(folder / current.strip()))
        for number, size in tables.items():
            for path in (folder / f"{number:06d}{suffix}" for suffix in TABLES):
                if path.exists():  # else LevelDB says which are missing
                    check_table(path, size)
    except (IndexError, ValueError):
        raise BrokenFile(f"the manifest {current.strip()[:40]} is damaged") from None
    except OSError as error:
        raise BrokenFile(f"{error.filename}: {error.strerror}") from None


def check_table(path: Path, expected: int) -> None:
    """Raise ``BrokenFile`` unless a table has the size that the manifest says, and all its blocks lie in it."""
    try:
        size = path.stat().st_size
        if size != expected:
            raise BrokenFile(f"{path.name} is truncated or damaged: expected {expected} bytes, found {size}")
        with open(path, "rb") as file:
            file.seek(max(0, size - FOOTER))
            footer = file.read(FOOTER)
            if len(footer) < FOOTER or not footer.endswith(TABLE_END):
                raise BrokenFile(f"{path.name} is damaged: it does not end as a table does")
            handles = Reader(footer)
            _, index = (_handle(handles, size) for _ in range(2))
            file.seek(index[0])
            block = file.read(index[1] + 1)
            for value in _values(decompress(block[:-1]) if block[-1] == 1 else block[:-1]):
                _handle(Reader(value), size)
    except (IndexError, ValueError):
        raise BrokenFile(f"{path.name} is damaged: its index cannot be read") from None


def _handle(reader: Reader, size: int) -> tuple[int, int]:
    """Where a block begins, and its length."""
    begin, length = reader.varint(), reader.varint()
    if begin + length + TRAILER > size - FOOTER:
        raise ValueError("a block beyond the end of the file")
    return begin, length


def _values(block: bytes) -> Iterator[bytes]:
    """The values of a block."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if len(block) < 4 or end < 0:
        raise ValueError("more restarts than there is room for")
    reader = Reader(block[:end])
    while not reader.done:
        _, own, length = reader.varint(), reader.varint(), reader.varint()
        reader.take(own)  # what of the key differs from the one before
        yield reader.take(length)


def _tables(manifest: bytes) -> dict[int, int]:
    """The numbers and sizes of the tables that count."""
    sizes: dict[int, int] = {}
    for record in _records(manifest):
        reader = Reader(record)
        while not reader.done:
            tag = reader.varint()
            if tag == 1:  # the comparator's name
                reader.take(reader.varint())
            elif tag in (2, 3, 4, 9):  # numbers of files, and of the last change
                reader.varint()
            elif tag == 5:  # where a level's next compaction begins
                reader.varint()
                reader.take(reader.varint())
            elif tag == 6:  # a table is gone from a level; it is not from another, to which it was moved
                reader.varint(), reader.varint()
            elif tag == 7:  # there is a table in a level, with keys from here to there
                reader.varint()
                number = reader.varint()
                sizes[number] = reader.varint()
                reader.take(reader.varint())
                reader.take(reader.varint())
            else:
                raise ValueError("no such tag")
    return sizes


def _records(log: bytes) -> Iterator[bytes]:
    """The records of a log file, put together again."""
    at, parts = 0, []
    while at < len(log):
        left = LOG_BLOCK - at % LOG_BLOCK
        if left < LOG_HEADER:  # no room for another record
            at += left
            continue
        header = log[at : at + LOG_HEADER]
        length, kind = int.from_bytes(header[4:6], "little"), header[6]
        at += LOG_HEADER
        if length > left - LOG_HEADER or at + length > len(log) or kind > 4:
            raise ValueError("a record that is not whole")
        parts.append(log[at : at + length])
        at += length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield b"".join(parts)
            parts = []
