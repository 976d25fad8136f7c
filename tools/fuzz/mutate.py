"""Changes to files, as rot and malice make them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

Sample = dict[str, bytes]
"""A file by its name, or those of a folder."""

NUMBERS = (0, 1, 2, 7, 31, 32, 33, 64, 127, 128, 255, 256, 4095, 4096, 65535, 10**5, 10**6, 2**31 - 1, 2**31, 2**32 - 1,
           2**40, 10**12, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
_T = TypeVar("_T")
_DIGITS = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
MOST = 1 << 20  # bytes that a file grows to


def mutate(sample: Sample, others: Sequence[Sample], words: Sequence[bytes], random: Random) -> Sample:
    """The sample with one to six changes to one of its files, mostly.

    Args:
        others: samples to take pieces from.
        words: what means something to the reader.
    """
    changed = dict(sample)
    for _ in range(choose(random, (1, 1, 1, 2, 3, 6))):
        name = choose(random, list(changed))
        other = choose(random, others)
        piece = other[choose(random, list(other))]
        changed[name] = choose(random, CHANGES)(changed[name], piece, words, random)[:MOST]
    return changed


def _flip(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    changed = bytearray(data)
    if data:
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _byte(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    return _put(data, bytes([choose(random, (0, 1, 127, 128, 255, random.randrange(256)))]), random)


def _number(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    size = choose(random, (2, 4, 8))
    number = choose(random, NUMBERS) & (1 << 8 * size) - 1
    return _put(data, number.to_bytes(size, choose(random, ("little", "big"))), random)


def _varint(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    number, parts = choose(random, NUMBERS), bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return _put(data, bytes(parts), random)


def _digits(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    match = _DIGITS.search(data, _place(data, random)) or _DIGITS.search(data)
    if not match:
        return data
    number = str(choose(random, NUMBERS))
    text = choose(random, (number, "-" + number, "1e400", "nan", "-inf", "9" * 5000, "0" * 5000))
    return data[: match.start()] + text.encode() + data[match.end() :]


def _truncate(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    return data[: _place(data, random)]


def _remove(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    begin, end = _range(data, random)
    return data[:begin] + data[end:]


def _repeat(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    begin, end = _range(data, random)
    return data[:end] + data[begin:end] * choose(random, (1, 2, 50)) + data[end:]


def _splice(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    begin, end = _range(data, random)
    start, stop = _range(piece, random)
    return data[:begin] + piece[start:stop] + data[choose(random, (begin, end)) :]


def _swap(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    begin, end = _range(data, random)
    at = _place(data, random)
    rest = data[:begin] + data[end:]
    return rest[:at] + data[begin:end] + rest[at:]


def _noise(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    return _put(data, random.randbytes(choose(random, (1, 3, 16, 200))), random)


def _word(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    return _put(data, choose(random, words), random) if words else data


def _zeros(data: bytes, piece: bytes, words: Sequence[bytes], random: Random) -> bytes:
    begin, end = _range(data, random)
    return data[:begin] + bytes(end - begin) + data[end:]


def choose(random: Random, options: Sequence[_T]) -> _T:
    """One of them; in a third of the time that ``random.choice`` takes, which would be most of a mutation's."""
    return options[int(random.random() * len(options))]


def _place(data: bytes, random: Random) -> int:
    return int(random.random() * (len(data) + 1))


def _range(data: bytes, random: Random) -> tuple[int, int]:
    begin = _place(data, random)
    return begin, min(len(data), begin + choose(random, (1, 2, 4, 8, 30, 200, 4096)))


def _put(data: bytes, new: bytes, random: Random) -> bytes:
    """Over what is there, or between it."""
    at = _place(data, random)
    return data[:at] + new + data[at + choose(random, (0, len(new))) :]


CHANGES: tuple[Callable[[bytes, bytes, Sequence[bytes], Random], bytes], ...] = (
    _flip, _flip, _byte, _number, _varint, _digits, _truncate, _remove, _repeat, _splice, _swap, _noise, _word, _zeros,
)  # fmt: skip
