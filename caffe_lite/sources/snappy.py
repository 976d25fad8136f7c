"""Snappy's compression, undone: for small blocks, since this is plain Python.

Source: https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

from caffe_lite.sources.varints import Reader

MOST_RATIO = 64
"""A copy of 64 bytes takes two or more, so that no block is larger than this times its bytes."""


def decompress(data: bytes) -> bytes:
    """The bytes that were compressed.

    Raises:
        ValueError, IndexError: these bytes are no whole compressed block.
    """
    reader = Reader(data)
    size = reader.varint()
    if size > MOST_RATIO * len(data):
        raise ValueError("more bytes than can be in it")
    out = bytearray()
    while not reader.done:
        tag = reader.take(1)[0]
        kind, length = tag & 3, tag >> 2
        if kind == 0:  # bytes as they are
            if length >= 60:
                length = int.from_bytes(reader.take(length - 59), "little")
            out += reader.take(length + 1)
        elif kind == 1:
            _copy(out, (length & 7) + 4, (tag >> 5) << 8 | reader.take(1)[0])
        else:
            _copy(out, length + 1, int.from_bytes(reader.take(2 if kind == 2 else 4), "little"))
        if len(out) > size:
            raise ValueError("more bytes than it says")
    if len(out) != size:
        raise ValueError("fewer bytes than it says")
    return bytes(out)


def _copy(out: bytearray, length: int, offset: int) -> None:
    """Append bytes of ``out`` itself, which may run into those that are being appended."""
    if not 0 < offset <= len(out):
        raise ValueError("a copy of what is not there")
    begin = len(out) - offset
    piece = bytes(out[begin : begin + length])
    out += (piece * (length // len(piece) + 1))[:length]
