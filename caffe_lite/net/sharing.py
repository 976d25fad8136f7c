"""Parameters, each once, with what the prototxt says of its rate and decay."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from caffe_lite.blob import Blob, shape_string
from caffe_lite.errors import GraphError, ShapeError
from caffe_lite.layers import Layer
from caffe_lite.schema import ParamSpec

log = logging.getLogger(__name__)


@dataclass
class Learnable:
    """A parameter that the solver updates: its blob, its owner, and its multipliers, ``None`` while unset."""

    blob: Blob
    layer: str
    index: int
    display_name: str
    lr: float | None
    decay: float | None

    @property
    def lr_mult(self) -> float:
        return 1.0 if self.lr is None else self.lr

    @property
    def decay_mult(self) -> float:
        return 1.0 if self.decay is None else self.decay


class Parameters:
    """All parameters of a net in the order of its layers; those of one name are one.

    Attributes:
        learnable: each parameter once.
        uses: for every parameter blob of every layer ``(layer, index, display name, owner)``; the owner is the
            ``Learnable`` behind it.

    Source: ``Net::AppendParam`` and ``Net::ShareWeights`` in Caffe's net.cpp.
    """

    def __init__(self) -> None:
        self.learnable: list[Learnable] = []
        self.uses: list[tuple[Layer, int, str, Learnable]] = []
        self._by_name: dict[str, Learnable] = {}

    def add(self, layer: Layer) -> list[float]:
        """Add the parameters of a layer, sharing those whose name is known; returns each one's own ``lr_mult``.

        Raises:
            GraphError: the prototxt has more ``param`` than the layer has parameters, or two sharers give
                different multipliers.
            ShapeError: two sharers have different shapes, or with ``PERMISSIVE`` different counts.
        """
        specs = layer.param.param
        if len(specs) > len(layer.blobs):
            layer.fail(GraphError, f"Too many params specified: the layer has {len(layer.blobs)} parameter blob(s), "
                       f"the prototxt gives {len(specs)} param; remove some")
        rates = []
        for j, blob in enumerate(layer.blobs):
            spec = specs[j] if j < len(specs) else ParamSpec()
            rates.append(spec.lr_mult)
            owner = self._by_name.get(spec.name) if spec.name else None
            if owner is None:
                owner = self._own(layer, j, blob, spec)
            else:
                self._share(layer, j, blob, spec, owner)
            self.uses.append((layer, j, spec.name or str(j), owner))
        return rates

    def _own(self, layer: Layer, j: int, blob: Blob, spec: Any) -> Learnable:
        owner = Learnable(blob, layer.name, j, spec.name or str(j), _given(spec, "lr_mult"), _given(spec, "decay_mult"))
        self.learnable.append(owner)
        if spec.name:
            self._by_name[spec.name] = owner
        return owner

    def _share(self, layer: Layer, j: int, blob: Blob, spec: Any, owner: Learnable) -> None:
        log.info("Sharing parameters '%s' owned by layer '%s', param index %d", spec.name, owner.layer, owner.index)
        permissive = spec.share_mode == ParamSpec.PERMISSIVE
        if blob.count != owner.blob.count or (not permissive and blob.shape != owner.blob.shape):
            what = "count" if permissive else "shape"
            hint = "" if blob.count != owner.blob.count else "; share_mode: PERMISSIVE compares the counts only"
            layer.fail(ShapeError, f"cannot share param '{spec.name}' owned by layer '{owner.layer}': {what} "
                       f"mismatch; the owner's shape is {shape_string(owner.blob.shape)}, this layer's is "
                       f"{shape_string(blob.shape)}{hint}")
        for field in ("lr", "decay"):
            mine, theirs = _given(spec, f"{field}_mult"), getattr(owner, field)
            if mine is not None and theirs is not None and mine != theirs:
                layer.fail(GraphError, f"Shared param '{spec.name}' has mismatched {field}_mult: {mine:g} here, "
                           f"{theirs:g} before (layer '{owner.layer}' owns it); give both the same, or one none")
            if mine is not None:
                setattr(owner, field, mine)
        blob.share_data(owner.blob)
        blob.share_diff(owner.blob)


def _given(spec: Any, field: str) -> float | None:
    return float(getattr(spec, field)) if spec.HasField(field) else None
