"""Layers in place that write over what another one needs: Caffe then computes wrong gradients, and says nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.check.net import Built
from caffe_lite.schema import EltwiseParameter
from caffe_lite.schema.tolerant import Path

NEEDS_TOP = frozenset(("ELU", "Exp", "LSTMUnit", "Sigmoid", "Softmax", "Swish", "TanH"))
"""Layers whose gradient is computed from their output."""
IGNORES_BOTTOM = frozenset((
    "BatchReindex", "Bias", "Concat", "ContrastiveLoss", "Crop", "Dropout", "EuclideanLoss", "Exp", "Filter", "Flatten",
    "Im2col", "InfogainLoss", "LSTMUnit", "Pooling", "Reshape", "SPP", "Sigmoid", "Silence", "Slice", "Softmax",
    "SoftmaxWithLoss", "Split", "TanH", "Tile"))
"""Layers whose gradient does not need the values of their input."""
_KEEP_SIGNS = frozenset(("Dropout", "ReLU", "ReLU6"))
"""Layers after which a ReLU below them still sees where its input was positive, or where there is no gradient."""

_REMEDY = "give its top a name of its own"
_TOP: Path = (("top", 0),)


def needs_top(layer: Any, above: str = "") -> bool:
    """Whether the gradient of a layer is computed from its first output, and suffers from a layer in place on that, of
    type ``above``."""
    if layer.type == "Eltwise":
        param = layer.param.eltwise_param
        return bool(param.operation == EltwiseParameter.PROD and not param.stable_prod_grad)
    in_place = list(layer.param.bottom[:1]) == list(layer.param.top[:1])
    if layer.type == "ReLU" and in_place:
        return bool(above) and above not in _KEEP_SIGNS
    return layer.type in NEEDS_TOP


def warn_of_overwriting(built: Built) -> None:
    """Warn of every layer in place that spoils another's values or gradient."""
    plan = built.plans[0]
    history = _History()
    for i, (layer, bottoms, tops) in enumerate(zip(plan.layers, plan.bottoms, plan.tops, strict=True)):
        stale = history.stale(bottoms)
        if stale is not None:
            built.warn(stale, "in-place", f"works in place on memory that layer {layer.name!r} ({layer.type}) reads "
                       "afterwards, by another name: it sees the changed values", _REMEDY, _TOP)
        if bottoms and tops and tops[0] is bottoms[0] and layer.type != "Split":
            for j in history.spoilt(plan, tops[0], layer.type):
                other = plan.layers[j]
                built.warn(i, "in-place", f"works in place on values that layer {other.name!r} ({other.type}) needs to "
                           "go backward: gradients are wrong", _REMEDY, _TOP)
        history.add(i, bottoms, tops)


class _History:
    """Who has made and read which version of which memory: each layer in place makes a new version."""

    def __init__(self) -> None:
        self._newest: dict[int, int] = defaultdict(int)
        self._writer: dict[int, int] = {}
        self._version: dict[int, int] = {}
        self._makers: dict[int, list[int]] = defaultdict(list)
        self._readers: dict[int, list[int]] = defaultdict(list)

    def add(self, i: int, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Layer ``i`` has run."""
        shared = {id(blob.data_memory): blob for blob in bottoms}
        for blob in tops:
            memory = id(blob.data_memory)
            if blob in bottoms:
                self._newest[memory] += 1
                self._writer[memory] = i
            source = shared.get(memory)
            passed_on = source is not None and blob not in bottoms
            self._version[id(blob)] = (self._version.get(id(source), 0) if passed_on else self._newest[memory])
            if not passed_on:
                self._makers[memory].append(i)
        for memory in shared:
            if not any(id(top.data_memory) == memory for top in tops):
                self._readers[memory].append(i)

    def stale(self, bottoms: Sequence[Blob]) -> int | None:
        """The layer in place that has overwritten what one of these blobs should show."""
        for blob in bottoms:
            memory = id(blob.data_memory)
            if self._version.get(id(blob), 0) != self._newest[memory]:
                return self._writer[memory]
        return None

    def spoilt(self, plan: Any, blob: Blob, above: str) -> list[int]:
        """The layers that made or read this memory and still need it when a layer of type ``above`` writes over it."""
        memory = id(blob.data_memory)
        makers = [i for i in self._makers[memory][-1:] if needs_top(plan.layers[i], above)]
        readers = [i for i in self._readers[memory] if plan.layers[i].type not in IGNORES_BOTTOM]
        return [i for i in makers + readers if plan.need_backward[i]]
