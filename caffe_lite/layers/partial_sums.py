"""Gradients of which every thread computes a part."""

from __future__ import annotations

from caffe_lite.blob import Array
from caffe_lite.kernels.arrays import add, clear
from caffe_lite.parallel import PerThread, parallel_for

GRAIN = 1 << 15  # additions worth a thread


def clear_parts(parts: PerThread, count: int) -> None:
    """Set the first ``count`` elements of every part to 0."""
    for part in parts.items:
        parallel_for(clear, count, part, grain=GRAIN)


def add_parts(parts: PerThread, *outs: Array) -> None:
    """Add the sum of the parts to ``outs``, which lie in them one after the other.

    Always in the same order, and the sum is complete before it is added. It is made in the first part.
    """
    count, total, start = sum(out.size for out in outs), parts.items[0], 0
    for part in parts.items[1:]:
        parallel_for(add, count, total, part, total, grain=GRAIN)
    for out in outs:
        parallel_for(add, out.size, out, total[start:start + out.size], out, grain=GRAIN)
        start += out.size
