"""The pages of an LMDB file, each checked before it is used.

LMDB itself maps the file into memory and trusts it: a bit that has flipped, or a file that somebody has made up, ends
the process. Reading needs little: two pages that say where the tree's root is, branches with keys and the numbers of
pages below them, leaves with keys and values, and runs of pages for values that are larger than a leaf. Numbers are of
64 bits and little-endian, as machines have written them that Caffe runs on.

Source: mdb.c of LMDB 0.9, http://www.lmdb.tech/doc
"""

from __future__ import annotations

import os
from pathlib import Path
from struct import Struct
from typing import NamedTuple, NoReturn

from caffe_lite.errors import DataError

FILE = "data.mdb"
MAGIC, VERSION = 0xBEEFC0DE, 1
BRANCH, LEAF, OVERFLOW, META = 1, 2, 4, 8
_KINDS = 0x6F  # those, and two that databases with several values for a key have
_LARGE, _SUBDATABASE, _SEVERAL = 1, 2, 4  # what a leaf's node says of its value
_NOWHERE = (1 << 64) - 1
_MOST_VALUE = (1 << 31) - 1  # bytes, as of any message

_PAGE = Struct("<QHHHH")  # its number, padding, kind, where the offsets end, where the nodes begin
_RUN = Struct("<QHHI")  # the same of a large value: its number, padding, kind, how many pages
_META = Struct("<II16xI4x40x4xH2x32xQQQ")  # magic, version, page size; of the records: flags, root; last page, turn
_NODE = Struct("<HHHH")  # size or page, in two halves; flags; size of the key
_NUMBER = Struct("<Q")


class Page(NamedTuple):
    """A branch or a leaf, and where its nodes begin."""

    number: int
    leaf: bool
    data: bytes
    nodes: tuple[int, ...]


class Pages:
    """The pages of a database as it is now; a later transaction of somebody else is not seen.

    Attributes:
        root: the number of the tree's first page, None for an empty database.

    Raises:
        DataError: this is no LMDB file, or not all of it, or one of another kind than Caffe's.
        OSError: it cannot be opened.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._file = open(Path(source) / FILE, "rb", buffering=0)  # noqa: SIM115
        try:
            self._bytes = os.fstat(self._file.fileno()).st_size
            self.root = self._find_root()
        except BaseException:
            self.close()
            raise

    def page(self, number: int) -> Page:
        """A branch or a leaf.

        Raises:
            DataError: it is beyond the end of the file, or is something else.
        """
        data = self._read(number * self._size, self._size)
        if len(data) < self._size:
            self.fail(f"page {number} is not in the file")
        found, _, kind, lower, upper = _PAGE.unpack_from(data)
        if found != number or kind & _KINDS not in (BRANCH, LEAF) or not _PAGE.size <= lower <= upper <= self._size:
            self.fail(f"page {number} is damaged")
        count = (lower - _PAGE.size) // 2
        return Page(number, kind & _KINDS == LEAF, data, Struct(f"<{count}H").unpack_from(data, _PAGE.size))

    def key(self, page: Page, index: int) -> bytes:
        """The key of a node. That of a branch's first node is empty: it is below all others.

        Raises:
            DataError: it is not in the page.
        """
        begin = page.nodes[index] + _NODE.size
        if begin > self._size:
            self._fail_at(page)
        end = begin + _NODE.unpack_from(page.data, page.nodes[index])[3]
        if end > self._size:
            self._fail_at(page)
        return page.data[begin:end]

    def child(self, page: Page, index: int) -> int:
        """The number of the page below a branch's node, whose key has been read."""
        low, middle, high, _ = _NODE.unpack_from(page.data, page.nodes[index])
        return int(low | middle << 16 | high << 32)

    def value(self, page: Page, index: int) -> bytes:
        """The value of a leaf's node, whose key has been read.

        Raises:
            DataError: it is not whole, or is no value but a database inside this one.
        """
        low, high, flags, key_size = _NODE.unpack_from(page.data, page.nodes[index])
        size, begin = low | high << 16, page.nodes[index] + _NODE.size + key_size
        if flags & (_SUBDATABASE | _SEVERAL):
            self.fail("it holds another database, or several values for a key, as Caffe's do not")
        if flags & _LARGE:
            if begin + _NUMBER.size > self._size:
                self._fail_at(page)
            return self._large(_NUMBER.unpack_from(page.data, begin)[0], size)
        if begin + size > self._size:
            self._fail_at(page)
        return page.data[begin : begin + size]

    def close(self) -> None:
        self._file.close()

    def fail(self, what: str) -> NoReturn:
        raise DataError(f"{self._source}: a record cannot be read: {what}; make the database again")

    def _large(self, number: int, size: int) -> bytes:
        begin = number * self._size
        if size > _MOST_VALUE or begin + _RUN.size + size > self._bytes:
            self.fail(f"page {number} says that it begins {size} bytes, which are not in the file")
        data = self._read(begin, _RUN.size + size)
        if len(data) < _RUN.size + size:
            self.fail(f"page {number} is not in the file any more")
        found, _, kind, pages = _RUN.unpack_from(data)
        if found != number or kind & _KINDS != OVERFLOW or pages * self._size < len(data):
            self.fail(f"page {number} is damaged")
        return data[_RUN.size :]

    def _find_root(self) -> int | None:
        metas = [meta for meta in (self._meta(0), self._meta(self._page_size())) if meta]
        if not metas:
            raise DataError(f"Failed to open lmdb {self._source}: {FILE} is no LMDB file, or one of another kind of "
                            "machine, or it is broken, make it again")
        _, _, self._size, flags, root, last, _ = max(metas, key=lambda meta: int(meta[-1]))
        needed = (last + 1) * self._size
        if self._bytes < needed:
            raise DataError(f"Failed to open lmdb {self._source}: {FILE} is truncated: expected {needed} bytes, found "
                            f"{self._bytes}; make or copy it again")
        if flags:
            raise DataError(f"Failed to open lmdb {self._source}: it has the flags {flags:#x}, where Caffe's have none")
        return None if root == _NOWHERE else int(root)

    def _page_size(self) -> int:
        first = self._meta(0)
        return int(first[2]) if first else 4096  # the usual, where the first page is damaged

    def _meta(self, begin: int) -> tuple[int, ...] | None:
        data = self._read(begin, _PAGE.size + _META.size)
        if len(data) < _PAGE.size + _META.size or not _PAGE.unpack_from(data)[2] & META:
            return None
        meta = _META.unpack_from(data, _PAGE.size)
        whole = meta[:2] == (MAGIC, VERSION) and meta[2] in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
        return meta if whole else None

    def _read(self, begin: int, count: int) -> bytes:
        if begin >= self._bytes:
            return b""
        try:
            self._file.seek(begin)
            return self._file.read(count) or b""
        except OSError as error:
            self.fail(f"the file cannot be read at byte {begin}: {error.strerror}")

    def _fail_at(self, page: Page) -> NoReturn:
        self.fail(f"page {page.number} is damaged")
