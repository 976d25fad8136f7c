"""How much memory a net needs beside its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.budget import Budget
from caffe_lite.parallel import PerThread
from caffe_lite.schema import TRAIN

if TYPE_CHECKING:
    from caffe_lite.net.net import Net


class Memory(NamedTuple):
    """Bytes of the blobs' values, of their gradients once the net goes backward, and of what layers keep or scratch
    on. What several blobs share is counted once."""

    values: int
    gradients: int
    workspaces: int


def measure(net: Net) -> Memory:
    """The memory of a net that is set up, its parameters and what data layers read ahead left out.

    Caffe's own "Memory required for data" counts the values only, and shared ones each time.
    """
    values = {id(blob.data_memory): blob.nbytes for tops in net.tops for blob in tops}
    gradients = {id(blob.diff_memory): blob.nbytes for i, tops in enumerate(net.tops) if net.need_backward[i]
                 for blob in tops}
    known = {id(blob.data_memory) for layer in net.layers for blob in layer.blobs} | set(values)
    workspaces: dict[int, int] = {}
    for layer in net.layers:
        for array in _arrays(vars(layer), known, set()):
            owner = array if array.base is None else array.base
            workspaces[id(owner)] = owner.nbytes
    return Memory(sum(values.values()), sum(gradients.values()), sum(workspaces.values()))


def reserve_rest(net: Net, memory: Memory, budget: Budget) -> None:
    """Count against the budget what ``measure`` knows and the layers have not asked for: their workspaces and, in
    TRAIN, gradients.

    Raises:
        LimitError: that is more than the net may take.
    """
    if net.phase == TRAIN:
        parameters = sum(param.blob.nbytes for param in net.params.learnable)
        budget.reserve("the gradients of blobs", net.tops, memory.gradients)
        budget.reserve("the gradients of parameters", net.params, parameters)
    budget.reserve("the workspaces of layers", net.layers, memory.workspaces)


def _arrays(thing: Any, known: set[int], seen: set[int]) -> Iterator[np.ndarray[Any, Any]]:
    """All arrays in the attributes of a layer and of what it is made of."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, Blob):
        if id(thing.data_memory) not in known:
            yield thing.data
    elif isinstance(thing, PerThread):
        yield from _arrays(thing.items, known, seen)
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from _arrays(value, known, seen)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from _arrays(value, known, seen)
    elif type(thing).__module__.startswith("caffe_lite.layers."):
        yield from _arrays(vars(thing), known, seen)
