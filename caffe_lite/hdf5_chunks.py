"""Datasets that are stored in pieces, each piece through filters: read without HDF5's own filters.

Those trust what a file says of its pieces, and a damaged one ends the process. Source: the HDF5 file format
specification, https://docs.hdfgroup.org/hdf5/develop/_f_m_t3.html
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

DEFLATE, SHUFFLE, CHECKSUM, BITS, SCALED = 1, 2, 3, 5, 6
OURS = {DEFLATE, SHUFFLE, CHECKSUM}
REFUSED = {BITS, SCALED}
MOST = 1_000_000  # pieces
_CHECKSUM_SIZE = 4
_GIVEN = 2  # H5D_FILL_VALUE_USER_DEFINED


class BrokenPiece(Exception):
    """What is wrong with a piece."""


def filters_of(dataset: Any) -> list[tuple[int, tuple[int, ...]]]:
    """The filters that pieces went through when they were written, in this order: number and parameters."""
    plist = dataset.id.get_create_plist()
    return [(entry[0], tuple(entry[2])) for entry in map(plist.get_filter, range(plist.get_nfilters()))]


def read_chunked(dataset: Any) -> Array:
    """A dataset of numbers in pieces, whole.

    Raises:
        BrokenPiece: a piece is damaged, or there are too many, or a filter is not to be trusted.
    """
    shape, chunk, filters = dataset.shape, dataset.chunks, filters_of(dataset)
    if prod(ceil(n / m) for n, m in zip(shape, chunk, strict=True)) > MOST:
        raise BrokenPiece(f"it is in more than {MOST} pieces")
    used = {number for number, _ in filters}
    if used & REFUSED:
        raise BrokenPiece(f"its filter {min(used & REFUSED)} is not read; store it with gzip (h5repack -f GZIP=4)")
    array = np.zeros(shape, dataset.dtype)
    for begin in product(*(range(0, n, m) for n, m in zip(shape, chunk, strict=True))):
        if not _is_stored(dataset, begin):
            refuse_fill_value(dataset)
            continue
        place = tuple(slice(b, min(b + m, n)) for b, m, n in zip(begin, chunk, shape, strict=True))
        if used <= OURS:
            mask, data = dataset.id.read_direct_chunk(begin)
            piece = np.frombuffer(_decoded(data, mask, filters, prod(chunk) * dataset.dtype.itemsize), dataset.dtype)
            array[place] = piece.reshape(chunk)[tuple(slice(0, s.stop - s.start) for s in place)]
        else:
            array[place] = dataset[place]
    return array


def refuse_fill_value(dataset: Any) -> None:
    """Raise ``BrokenPiece`` where what is not stored should be read as something else than zeros: HDF5 trusts a file
    with that number too, and a damaged one ends the process."""
    if dataset.id.get_create_plist().fill_value_defined() == _GIVEN:
        raise BrokenPiece("it is not all stored, and the value for the rest is not read; write all of it")


def _is_stored(dataset: Any, begin: Sequence[int]) -> bool:
    info = dataset.id.get_chunk_info_by_coord(begin)
    if info.byte_offset is None:
        return False
    size = os.path.getsize(dataset.file.filename)
    if not 0 < info.size <= size or info.byte_offset + info.size > size:
        raise BrokenPiece(f"the piece at {tuple(begin)} of {info.size} bytes is not in the file")
    return True


def _decoded(data: bytes, mask: int, filters: Sequence[tuple[int, tuple[int, ...]]], size: int) -> bytes:
    """The bytes of a piece before they were filtered; ``mask`` has a bit for each filter that was left out."""
    for i, (number, parameters) in reversed(list(enumerate(filters))):
        if mask >> i & 1:
            continue
        if number == CHECKSUM:
            data = _checked(data)
        elif number == DEFLATE:
            data = _inflated(data, size + _CHECKSUM_SIZE)
        else:
            data = _unshuffled(data, parameters)
    if len(data) != size:
        raise BrokenPiece(f"a piece has {len(data)} bytes, and should have {size}")
    return data


def _inflated(data: bytes, most: int) -> bytes:
    decoder = zlib.decompressobj()
    try:
        return decoder.decompress(data, most)
    except zlib.error as error:
        raise BrokenPiece(f"a piece cannot be decompressed: {error}") from None


def _unshuffled(data: bytes, parameters: Sequence[int]) -> bytes:
    """First bytes of all numbers, then second bytes and so on, put together; what is left over stands at the end."""
    width = parameters[0] if parameters else 1
    if not 1 < width <= len(data):
        return data
    whole = len(data) // width * width
    return np.frombuffer(data[:whole], np.uint8).reshape(width, -1).T.tobytes() + data[whole:]


def _checked(data: bytes) -> bytes:
    """The bytes before a Fletcher-32 checksum, which older releases wrote the other way round."""
    if len(data) < _CHECKSUM_SIZE:
        raise BrokenPiece("a piece is shorter than its checksum")
    body, found = data[:-_CHECKSUM_SIZE], data[-_CHECKSUM_SIZE:]
    words = np.frombuffer(body + b"\0" * (len(body) % 2), ">u2").astype(np.uint64)
    low = int(words.sum() % 65535)
    high = int((words * (np.arange(len(words), 0, -1, dtype=np.uint64) % 65535) % 65535).sum() % 65535)
    if not any([low, high] == (np.frombuffer(found, f"{order}u2") % 65535).tolist() for order in "<>"):
        raise BrokenPiece("the checksum of a piece is wrong")
    return body
