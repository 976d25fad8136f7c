"""A Split layer after every blob that is read more than once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from caffe_lite.errors import GraphError
from caffe_lite.schema import NetParameter

Top = tuple[int, int]  # layer, index of the top


def insert_splits(net: Any) -> Any:
    """The net with ``{blob}_{layer}_{index}_split`` layers, so that each blob has one reader.

    A layer that works in place makes a new version of its blob, and each version is counted for itself. A
    top that is a loss and is read too counts the loss as its first reader.

    Raises:
        GraphError: a bottom that no layer before produces.

    Source: Caffe's insert_splits.cpp.
    """
    sources, readers = _readers(net)
    taken: Counter[Top] = Counter()
    result = NetParameter()
    result.CopyFrom(net)
    del result.layer[:]
    for i, layer in enumerate(net.layer):
        copy = result.layer.add()
        copy.CopyFrom(layer)
        for j, name in enumerate(layer.bottom):
            top = sources[i, j]
            if readers[top] > 1:
                copy.bottom[j] = _split_name(net, top, name, taken[top])
                taken[top] += 1
        for j, name in enumerate(layer.top):
            if readers[i, j] < 2:
                continue
            split = result.layer.add(name=_split_name(net, (i, j), name), type="Split", bottom=[name])
            split.top.extend(_split_name(net, (i, j), name, k) for k in range(readers[i, j]))
            weight = layer.loss_weight[j] if j < len(layer.loss_weight) else 0
            if weight:
                split.loss_weight.extend([weight] + [0] * (readers[i, j] - 1))
                del copy.loss_weight[:]
                taken[i, j] += 1
    return result


def _readers(net: Any) -> tuple[dict[Top, Top], Counter[Top]]:
    """Which top each bottom reads, and how many readers each top has."""
    newest: dict[str, Top] = {}
    sources: dict[Top, Top] = {}
    readers: Counter[Top] = Counter()
    for i, layer in enumerate(net.layer):
        for j, name in enumerate(layer.bottom):
            if name not in newest:
                raise GraphError(unknown_bottom(net, i, j))
            sources[i, j] = newest[name]
            readers[newest[name]] += 1
        for j, name in enumerate(layer.top):
            newest[name] = (i, j)
        for j in range(min(len(layer.loss_weight), len(layer.top))):
            if layer.loss_weight[j]:
                readers[newest[layer.top[j]]] += 1
    return sources, readers


def _split_name(net: Any, top: Top, blob: str, index: int | None = None) -> str:
    name = f"{blob}_{net.layer[top[0]].name}_{top[1]}_split"
    return name if index is None else f"{name}_{index}"


def unknown_bottom(net: Any, i: int, j: int) -> str:
    """What to say of bottom ``j`` of layer ``i``, which no layer before it produces."""
    layer, name = net.layer[i], net.layer[i].bottom[j]
    later = [other.name for other in net.layer[i:] if name in other.top]
    known = sorted({top for other in net.layer[:i] for top in other.top})
    if later:
        hint = f"layer {later[0]!r} produces it, but only from there on: layers run in the order of the file"
    elif known:
        hint = f"blobs produced before it: {', '.join(known)}"
    else:
        hint = "no layer before it produces any blob; does a rule leave the data layer out of this phase?"
    return f"Unknown bottom blob '{name}' (layer '{layer.name}', bottom index {j}); {hint}"
