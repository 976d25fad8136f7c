"""protobuf's bytes without a schema: which field of a message lies where.

Source: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
"""The wire types: a number, eight bytes, a length and that many bytes, four bytes."""


MOST_VARINT = 10
"""Bytes of the longest number."""


class Span(NamedTuple):
    """A field's number, its wire type, and its bytes ``data[start:stop]`` without tag and length."""

    number: int
    wire_type: int
    start: int
    stop: int


def spans(data: memoryview) -> Iterator[Span]:
    """The fields of a message in their order; the start and the end of a group are one each.

    Raises:
        IndexError: the last field is cut short (its bytes may be: look at ``stop``), or a number does not end.
    """
    position = 0
    while position < len(data):
        tag, start = _varint(data, position)
        stop = start
        if tag & 7 == LENGTH:
            length, start = _varint(data, start)
            stop = start + length
        elif tag & 7 == VARINT:
            _, stop = _varint(data, start)
        elif tag & 7 in (EIGHT_BYTES, FOUR_BYTES):
            stop = start + (8 if tag & 7 == EIGHT_BYTES else 4)
        yield Span(tag >> 3, tag & 7, start, stop)
        position = stop


def packed_header(number: int, length: int) -> bytes:
    """What stands before the ``length`` bytes of a field: its tag and their count."""
    return _varint_bytes(number << 3 | LENGTH) + _varint_bytes(length)


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 7 * MOST_VARINT, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise IndexError("a number that does not end")


def _varint_bytes(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
