"""Passes over several layers with nothing but their kernels.

To look up shapes, arrays and numbers takes Python 10 to 20 microseconds a layer, as long as the kernel of a small one.
Where layers say that their passes are always the same calls (``Layer.replayable``), these are written down, and made
again as long as all blobs lie where they lay in memory.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Sequence
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np

from caffe_lite.blob import Array, Blob, places
from caffe_lite.layers.base import Layer
from caffe_lite.net.sequence import joined
from caffe_lite.parallel import Preparation, Prepared, Step, record, run_step

Key: TypeAlias = tuple[Hashable, ...]
MOST = 16  # places that blobs take turns in: as many as a data layer has batches, mostly 4


class Replay:
    """One pass over the layers ``first`` to ``last`` of a net, both included.

    Args:
        blobs: all that they read and write.
        diffs: the pass reads and writes gradients too.
    """

    def __init__(self, first: int, last: int, blobs: Sequence[Blob], diffs: bool) -> None:
        self.first, self.last = first, last
        self._blobs, self._diffs = blobs, diffs
        self._shapes: list[tuple[int, ...]] = []
        self.forget()

    def forget(self) -> None:
        """Begin anew: a layer has got other shapes or other scratch memory, or somebody looks on."""
        self._met: dict[Key, list[weakref.ref[Array]]] = {}
        self._known: dict[Key, _Calls] = {}

    def __call__(self, run: Callable[[int, int], object], *also: Hashable) -> None:
        """Do what ``run(first, last)`` does, which is that pass; it may depend on ``also``."""
        if [blob.shape for blob in self._blobs] != self._shapes:
            run(self.first, self.last)
            self.forget()
            self._shapes = [blob.shape for blob in self._blobs]
            return
        arrays = places(self._blobs, self._diffs)
        key = (*also, *map(id, arrays))
        known = self._known.get(key)
        if known is not None:
            known.repeat()
        elif self._again(key, arrays):
            steps = record(run, self.first, self.last)
            if all(a is b for a, b in zip(arrays, places(self._blobs, self._diffs), strict=True)):
                self._known[key] = _Calls(steps, arrays, self._blobs)
        else:
            run(self.first, self.last)

    def _again(self, key: Key, arrays: list[Array]) -> bool:
        """Whether to write the calls down: the second time that memory is met, since many nets run once."""
        if len(self._known) == MOST:
            return False
        met = self._met.get(key)
        if met is not None and all(ref() is array for ref, array in zip(met, arrays, strict=True)):
            return True
        if len(self._met) == MOST:
            self._met.clear()
        self._met[key] = list(map(weakref.ref, arrays))
        return False


class _Calls:
    """The calls of a pass. Those that prepare something are left out as long as it is what they would make.

    Args:
        steps, arrays: the calls, and the memory of the blobs; they live on, or others could get their places.
        blobs: of them those are found that preparations read; what they read besides never changes.
    """

    def __init__(self, steps: list[Step], arrays: list[Array], blobs: Sequence[Blob]) -> None:
        steps = _without_repeats(steps)
        self.steps, self._arrays = steps, arrays
        owners = {id(blob.values.base) for blob in blobs}
        sources: set[int] = set()
        self._made: list[Prepared] = []
        rest = []
        for step in steps:
            read = owners & {id(a.base) for _, args in step for a in args if isinstance(a, np.ndarray)}
            if isinstance(step, Preparation) and isinstance(step.made, Prepared) and read:
                sources |= read
                self._made.append(step.made)
            else:
                rest.append(step)
        self._sources = [blob for blob in blobs if id(blob.values.base) in sources]
        self._all, self._rest = joined(steps), joined(rest)
        self._state: list[object] = [None]

    def repeat(self) -> None:
        """Make them again."""
        state: list[object] = [*(blob.version for blob in self._sources), *(made.times for made in self._made)]
        for step in self._rest if state == self._state and None not in state else self._all:
            run_step(step)
        self._state = state


def _without_repeats(steps: list[Step]) -> list[Step]:
    """A pass without the preparations that find what they would make, as where layers share their filters: nothing
    writes to a parameter meanwhile."""
    left, made = [], dict[int, object]()
    for step in steps:
        if isinstance(step, Preparation):
            calls = [(function, _by_place(args)) for function, args in step]
            if made.get(id(step.made)) == calls:
                continue
            made[id(step.made)] = calls
        left.append(step)
    return left


def _by_place(value: Any) -> Any:
    """The same for arguments that are the same, whichever views they are."""
    if isinstance(value, np.ndarray):
        return value.ctypes.data, value.shape, value.strides, value.dtype
    return tuple(map(_by_place, value)) if isinstance(value, tuple) else value


def replays(layers: Sequence[Layer], blobs: Sequence[Sequence[Blob]], diffs: bool) -> list[Replay]:
    """For each longest row of layers that can be replayed their pass.

    Args:
        blobs: for each layer what it reads and writes, parameters included.
    """
    found = []
    for can, row in groupby(range(len(layers)), lambda i: layers[i].replayable):
        if can:
            numbers = list(row)
            every = {id(blob): blob for i in numbers for blob in blobs[i]}
            found.append(Replay(numbers[0], numbers[-1], list(every.values()), diffs))
    return found
