"""How many channels a kernel that reads them twice does at once."""

from __future__ import annotations

from numba import njit

CACHED = 1 << 16  # elements that are still in the cache when they are read again


@njit(cache=True, nogil=True)
def channels_at_once(n: int, inner: int) -> int:
    """Of ``(n, channels, inner)`` values: few enough for the cache, and as many as that allows, for long reads."""
    return max(1, CACHED // max(1, n * inner))
