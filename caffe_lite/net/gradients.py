"""Which gradients somebody needs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

log = logging.getLogger(__name__)


class Needs:
    """Collects, layer by layer, who learns; then says which layers go backward, and to which bottoms.

    A layer can go backward when it learns itself or a layer below it does; it need not when nothing above it
    ends in a loss, or when ``propagate_down`` cuts every way to one.

    Source: ``Net::Init`` and ``Net::AppendBottom`` in Caffe's net.cpp.
    """

    def __init__(self) -> None:
        self._blob_needs: dict[str, bool] = {}
        self._layer_needs: list[bool] = []
        self._bottom_needs: list[list[bool]] = []

    def add(self, param: Any, tops: Sequence[str], learns: Sequence[bool]) -> None:
        """Add the next layer: its ``LayerParameter``, its tops, and which of its parameters learn."""
        below = [self._blob_needs[name] for name in param.bottom]
        needed = any(below) or any(learns)
        self._layer_needs.append(needed)
        self._bottom_needs.append(list(param.propagate_down) or below)
        for name in tops:
            self._blob_needs[name] = needed or self._blob_needs.get(name, False)

    def resolve(self, layers: Sequence[str], tops: Sequence[Sequence[str]], bottoms: Sequence[Sequence[str]],
                losses: Sequence[Sequence[bool]]) -> tuple[list[bool], list[list[bool]]]:
        """For each layer whether it goes backward, and for each of its bottoms whether it computes the gradient.

        Args:
            layers: their names, for the log.
            tops, bottoms: for each layer the names of its blobs.
            losses: for each layer which of its tops are losses.
        """
        under_loss: set[str] = set()
        cut_off: set[str] = set()
        for i in range(len(layers) - 1, -1, -1):
            contributes = any(losses[i]) or any(name in under_loss for name in tops[i])
            if self._layer_needs[i] and all(name in cut_off for name in tops[i]):
                self._layer_needs[i] = False
                self._bottom_needs[i] = [False] * len(bottoms[i])
            if not contributes:
                self._layer_needs[i] = False
                self._bottom_needs[i] = [False] * len(bottoms[i])
            else:
                under_loss.update(bottoms[i])
            cut_off.update(name for name, wanted in zip(bottoms[i], self._bottom_needs[i], strict=True) if not wanted)
            log.info("%s %s backward computation.", layers[i],
                     "needs" if self._layer_needs[i] else "does not need")
        return self._layer_needs, self._bottom_needs
