"""Numbers of 7 bits a byte, the lowest first, as LevelDB and snappy write them."""

from __future__ import annotations

MOST = 10
"""Bytes of the longest number."""


class Reader:
    """Reads bytes from their beginning on. What is not there raises ``IndexError``."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.data)

    def varint(self) -> int:
        value = 0
        for shift in range(0, 7 * MOST, 7):
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise IndexError("a number that does not end")

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise IndexError("not so many bytes")
        self.at += count
        return self.data[self.at - count : self.at]
