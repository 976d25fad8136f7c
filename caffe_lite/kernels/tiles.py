"""How the convolution kernels cut their work: rows into tiles, and what of a tile is in the padding."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit


class Run(NamedTuple):
    """``tiles`` tiles of ``pixels`` outputs from output ``first`` on; of the inputs that a tile reaches, counted from
    its leftmost, those from ``lo`` to ``hi`` are inside the image."""

    first: int
    tiles: int
    pixels: int
    lo: int
    hi: int


def runs(out: int, size: int, taps: int, stride: int, dilation: int, pad: int, pixels: int) -> list[Run]:
    """A row of ``out`` outputs cut into tiles of at most ``pixels``, equal neighbours together."""
    found: list[Run] = []
    parts = -(-out // pixels)
    first = 0
    for part in range(parts):
        width = out // parts + (part < out % parts)
        wide = (width - 1) * stride + (taps - 1) * dilation + 1
        left = first * stride - pad
        lo, hi = min(wide, max(0, -left)), max(0, min(wide, size - left))
        if found and found[-1][2:] == (width, lo, hi):
            found[-1] = found[-1]._replace(tiles=found[-1].tiles + 1)
        else:
            found.append(Run(first, 1, width, lo, hi))
        first += width
    return found


def even(count: int, most: int) -> int:
    """The size of tiles that cut ``count`` into as few equal parts as tiles of at most ``most`` do."""
    return -(-count // -(-count // max(1, most)))


@njit(cache=True, nogil=True)
def reach(first: int, dilation: int, taps: int, size: int) -> tuple[int, int]:
    """The taps i, begin to end, for which ``first + i * dilation`` is inside the image."""
    begin = min(taps, max(0, (dilation - 1 - first) // dilation))
    return begin, max(begin, min(taps, (size - first + dilation - 1) // dilation))
