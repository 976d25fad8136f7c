"""protobuf's bytes without a schema: which field of a message lies where.

Source: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_VARINT, _PACKED = 0, 2
_FIXED_LENGTHS = {1: 8, 5: 4}


class Span(NamedTuple):
    """A field's number, and its bytes ``data[start:stop]`` without tag and length."""

    number: int
    start: int
    stop: int


def spans(data: memoryview) -> Iterator[Span]:
    """The fields of a well-formed message without groups, in their order."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        if tag & 7 == _PACKED:
            length, position = _varint(data, position)
            stop = position + length
        elif tag & 7 == _VARINT:
            stop = _varint(data, position)[1]
        else:
            stop = position + _FIXED_LENGTHS[tag & 7]
        yield Span(tag >> 3, position, stop)
        position = stop


def packed_header(number: int, length: int) -> bytes:
    """What stands before the ``length`` bytes of a field: its tag and their count."""
    return _varint_bytes(number << 3 | _PACKED) + _varint_bytes(length)


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _varint_bytes(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
