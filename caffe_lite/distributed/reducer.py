"""Means over all ranks, of gradients and of what BatchNorm stores, sent in buckets while the backward pass goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from caffe_lite.aligned import zeros
from caffe_lite.blob import Array, Blob
from caffe_lite.distributed.mpi import World, finish
from caffe_lite.layers.batch_norm import BatchNormLayer
from caffe_lite.net import Net

BUCKET_BYTES = 1 << 20


class Reducer:
    """Replaces the gradients of a net by their means over all ranks.

    A bucket leaves as soon as the last of ``passes`` backward passes is through all layers that add to its gradients.
    Parameters that learn nothing have no gradients and stay each rank's own. So do the sums that BatchNorm stores, or
    with ``average_batch_norm`` they are replaced by their means too, in every iteration; they leave first.

    Attributes:
        learned: the parameters that have gradients, in the order in which these are done.
    """

    def __init__(self, net: Net, world: World, passes: int, average_batch_norm: bool = False) -> None:
        self._passes, self._passed = passes, 0
        self._started = self._summed = 0
        done: dict[int, int] = {}
        blobs: dict[int, Blob] = {}
        layers = {id(layer): i for i, layer in enumerate(net.layers)}
        for layer, index, _, owner in net.params.uses:
            if layer.param_propagate_down[index]:
                key, i = id(owner), layers[id(layer)]
                blobs[key], done[key] = owner.blob, min(i, done.get(key, i))
        order = sorted(blobs, key=lambda key: -done[key])
        self.learned = [blobs[key] for key in order]
        self._buckets: list[Bucket] = []
        if average_batch_norm and (stored := stored_statistics(net)):
            self._buckets.append(Bucket(stored, world, len(net.layers), attrgetter("data")))
        begin = 0
        for end, key in enumerate(order, 1):
            if end == len(order) or sum(blob.count for blob in self.learned[begin:end]) * 4 >= BUCKET_BYTES:
                self._buckets.append(Bucket(self.learned[begin:end], world, done[key]))
                begin = end

    def begin(self) -> None:
        """An iteration begins."""
        self._passed = self._started = self._summed = 0

    def after_param_diffs(self, layer: int) -> None:
        """The backward pass has added to the gradients of this layer's parameters."""
        if self._passed == self._passes - 1:
            self._start(layer)
            self._progress()
        self._passed += layer == 0

    def finish(self) -> None:
        """Wait for the means of all buckets."""
        self._start(0)
        for bucket in self._buckets[self._summed:]:
            bucket.sum()
        for bucket in self._buckets:
            bucket.collect()

    def _start(self, layer: int) -> None:
        while self._started < len(self._buckets) and self._buckets[self._started].layer >= layer:
            self._buckets[self._started].start()
            self._started += 1

    def _progress(self) -> None:
        while self._summed < self._started and self._buckets[self._summed].is_exchanged():
            self._buckets[self._summed].sum()
            self._summed += 1


def stored_statistics(net: Net) -> list[Blob]:
    """The sums that a net's BatchNorm layers add to, each once."""
    owners = {id(owner): owner.blob for layer, _, _, owner in net.params.uses
              if isinstance(layer, BatchNormLayer) and layer.adds_up}
    return list(owners.values())


class Bucket:
    """The gradients of some parameters, as one array that is cut into a part for each rank.

    Every rank sends each other one the part that is its own, adds up what it gets in the order of the ranks, divides by
    their number, and sends the mean to all. So an order of additions is fixed, which MPI's own sums do not promise, all
    ranks have the same bits, and no more is sent than the best of sums would.

    Args:
        blobs: the parameters.
        layer: the last one that adds to their gradients, the first of the net's.
        values: what of a blob is meant, where it is not the gradient.
    """

    def __init__(self, blobs: Sequence[Blob], world: World, layer: int,
                 values: Callable[[Blob], Array] = attrgetter("diff")) -> None:
        self.layer = layer
        self._blobs, self._world, self._values_of = blobs, world, values
        ends = np.cumsum([blob.count for blob in blobs]).tolist()
        self._slices = [slice(end - blob.count, end) for blob, end in zip(blobs, ends, strict=True)]
        bounds = [ends[-1] * r // world.size for r in range(world.size + 1)]
        counts = [bounds[r + 1] - bounds[r] for r in range(world.size)]
        self._cut = counts, bounds[:-1]
        self._mine = slice(bounds[world.rank], bounds[world.rank + 1])
        self._values = zeros(ends[-1], blobs[0].dtype)
        own = counts[world.rank]
        self._parts = zeros(world.size * own, blobs[0].dtype).reshape(world.size, own)
        others = [r != world.rank for r in range(world.size)]
        self._sent_cut = [count * other for count, other in zip(counts, others, strict=True)], bounds[:-1]
        self._parts_cut = [own * other for other in others], [own * r for r in range(world.size)]
        self._request: Any = None

    def start(self) -> None:
        """Send each rank its part."""
        for blob, at in zip(self._blobs, self._slices, strict=True):
            self._values[at] = self._values_of(blob).reshape(-1)
        self._parts[self._world.rank] = self._values[self._mine]  # MPI would move it slowly, and only while looked at
        sent, received = [self._values, self._sent_cut], [self._parts, self._parts_cut]
        self._request = self._world.exchanging.Ialltoallv(sent, received)

    def is_exchanged(self) -> bool:
        """Whether the parts have arrived."""
        return bool(self._request.Test())

    def sum(self) -> None:
        """Add up the parts when they have arrived, and begin to send the mean."""
        finish(self._request)
        mean = self._values[self._mine]
        mean[...] = self._parts[0]
        for part in self._parts[1:]:
            mean += part
        mean /= mean.dtype.type(len(self._parts))
        self._request = self._world.collecting.Iallgatherv(self._world.in_place, [self._values, self._cut])

    def collect(self) -> None:
        """Put the means of all ranks in the values' place when they have arrived."""
        finish(self._request)
        for blob, at in zip(self._blobs, self._slices, strict=True):
            self._values_of(blob).reshape(-1)[...] = self._values[at]
