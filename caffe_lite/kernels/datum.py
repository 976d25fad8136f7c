"""Reading serialized Datum messages: protobuf's wire format, as far as a Datum has need of it."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy import int64

Array = Any

# What is found in a Datum, by column; DATA says where in the buffer the bytes of its pixels begin.
CHANNELS, HEIGHT, WIDTH, LABEL, ENCODED, DATA, DATA_SIZE, FLOATS = range(8)
COLUMNS = 8

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # 3 and 4 are groups, which nobody has written in twenty years
MOST = (1 << 29) - 1  # the largest number of a field


@njit(cache=True, nogil=True)
def parse_datums(buffer: Array, bounds: Array, fields: Array) -> int:
    """Parse record i, ``buffer[bounds[i]:bounds[i + 1]]``, into row i of ``fields``.

    Fields may come in any order and several times, the last one counting; unknown ones are skipped, and floats where
    there are bytes.

    Returns:
        the index of the first record that is no Datum, or -1.
    """
    for i in range(len(fields)):
        if not parse_datum(buffer, int64(bounds[i]), int64(bounds[i + 1]), fields[i]):
            return i
    return -1


@njit(cache=True, nogil=True)
def parse_datum(buffer: Array, at: int, end: int, row: Array) -> bool:
    row[:] = 0
    while at < end:
        number, wire, begin, size, at = next_field(buffer, at, end)
        if at < 0:
            return False
        if wire == VARINT:
            value, _ = varint(buffer, begin, end)
            if 1 <= number <= 3:
                row[number - 1] = int32(value)
            elif number == 5:
                row[LABEL] = int32(value)
            elif number == 7:
                row[ENCODED] = value != 0
        elif number == 4 and wire == BYTES:
            row[DATA] = begin
            row[DATA_SIZE] = size
        elif number == 6 and wire in (FIXED32, BYTES):
            if size % 4:
                return False
            row[FLOATS] += size // 4
    if row[DATA_SIZE] > 0 or row[ENCODED] != 0:
        row[FLOATS] = 0  # in Caffe bytes come before floats
    return True


@njit(cache=True, nogil=True)
def read_floats(buffer: Array, at: int, end: int, out: Array) -> None:
    """Copy the ``float_data`` of a parsed record to ``out``, the bytes of a little-endian float32 array."""
    done = 0
    while at < end:
        number, wire, begin, size, at = next_field(buffer, at, end)
        if number == 6 and wire in (FIXED32, BYTES):
            for k in range(size):
                out[done + k] = buffer[begin + k]
            done += size


@njit(cache=True, nogil=True)
def next_field(buffer: Array, at: int, end: int) -> tuple[int, int, int, int, int]:
    """The field at ``at``: its number, its wire type, where its payload begins and how many bytes it has, and
    where the next field is (-1: this is none)."""
    tag, begin = varint(buffer, at, end)
    number, wire, size = tag >> 3, tag & 7, int64(0)
    if begin < 0 or begin - at > 5 or number < 1 or number > MOST:
        return number, wire, begin, size, int64(-1)
    if wire == VARINT:
        _, after = varint(buffer, begin, end)
        return number, wire, begin, after - begin, after
    if wire == FIXED32:
        size = int64(4)
    elif wire == FIXED64:
        size = int64(8)
    elif wire == BYTES:
        size, begin = varint(buffer, begin, end)
    else:
        return number, wire, begin, size, int64(-1)
    if begin < 0 or size < 0 or size > end - begin:
        return number, wire, begin, size, int64(-1)
    return number, wire, begin, size, begin + size


@njit(cache=True, nogil=True)
def varint(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and what follows it (-1: it does not end)."""
    value = int64(0)
    for i in range(10):
        if at + i >= end:
            break
        byte = int64(buffer[at + i])
        value |= (byte & 127) << int64(7 * i)
        if byte < 128:
            return value, int64(at + i + 1)
    return value, int64(-1)


@njit(cache=True, nogil=True)
def int32(value: int) -> int:
    """The low 32 bits, the highest of them the sign."""
    low = value & 0xFFFFFFFF
    return low - (1 << 32) if low >= 1 << 31 else low
