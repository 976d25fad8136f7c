"""The messages of one bucket: what ``caffe_lite.distributed.reducer`` asks MPI for, and how MPICH does it.

A bucket is summed in two halves. In the *exchange* every rank sends each other one its part of the bucket, directly;
MPICH has at most 32 such messages under way. In the *gathering* the sums go round: MPICH passes large buckets on along
a ring, one part at a time, and doubles what a rank has with each message where they are small. Each half sends and
receives ``bytes * (ranks - 1) / ranks``, which hardly grows with the ranks; the number of messages does.

Source: the selection table in MPICH 5.0's library (``MPIR_CVAR_COLL_SELECTION_TUNING_JSON_FILE`` replaces it).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

TOGETHER = 32  # MPIR_CVAR_ALLTOALL_THROTTLE
RING, RING_ODD = 512 << 10, 80 << 10  # bytes from which a ring is used, for a power of two of ranks and for others


@dataclass(frozen=True)
class Round:
    """What a rank sends, and receives as much of, before it can go on: so many bytes in so many messages."""

    bytes: float
    messages: int = 1


def exchange(ranks: int, size: int) -> list[Round]:
    """The rounds of the first half."""
    part, left = size / ranks, ranks - 1
    counts = [min(TOGETHER, left - done) for done in range(0, left, TOGETHER)]
    return [Round(part * count, count) for count in counts]


def gathering(ranks: int, size: int) -> list[Round]:
    """The rounds of the second half."""
    power = ranks & (ranks - 1) == 0
    part = size / ranks
    if ranks > 1 and size < (RING if power else RING_ODD):
        have = [min(2**i, ranks - 2**i) for i in range(ceil(log2(ranks)))]
        return [Round(part * parts) for parts in have]
    return [Round(part)] * (ranks - 1)
