"""Which part of the training data this process reads, where several processes train one net together.

Of N processes the one of rank r reads records r, r + N, r + 2N, ... Nets for the phase TEST read all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from caffe_lite import schema


@dataclass(frozen=True)
class Share:
    """
    Attributes:
        rank, count: which of how many processes this is, counted from 0.
        divided: the batch sizes in the prototxt are those of all processes together.
    """

    rank: int = 0
    count: int = 1
    divided: bool = False


def share_of(phase: int) -> Share:
    """The share of a net of this phase that is built now."""
    return _share.get() if phase == schema.TRAIN else WHOLE


@contextmanager
def within(share: Share) -> Iterator[None]:
    """Have this share count in this thread during the block."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


WHOLE = Share()
_share: ContextVar[Share] = ContextVar("share", default=WHOLE)
