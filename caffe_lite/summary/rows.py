"""One row for each layer of a planned net, and the totals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from caffe_lite.check.guesses import DATA
from caffe_lite.check.net import Built
from caffe_lite.net.operations import multiply_adds

Shape = tuple[int | None, ...] | None
"""Sizes, each None where it depends on data that is not there; None where even their number does."""
T = TypeVar("T")


@dataclass
class Row:
    """One layer. Numbers are None where they depend on data that is not there.

    Attributes:
        tops: names and shapes.
        parameters: how many numbers it learns or stores, those it shares with a layer before left out.
        multiply_adds: of a forward pass; see ``caffe_lite.net.operations``.
        memory: bytes of its tops' values that no layer before has.
        notes: in place, and what it shares with whom.
        weights: what a file of weights has for it, where one was given.
    """

    name: str
    type: str
    tops: list[tuple[str, Shape]]
    parameters: int | None
    multiply_adds: int | None
    memory: int | None
    notes: list[str] = field(default_factory=list)
    weights: str = ""


def rows_of(built: Built) -> list[Row]:
    """A row for each layer that the prototxt has; splits, which the net inserts, are no layers of anybody's."""
    rows = []
    for origin, layer in enumerate(built.wired.net.layer):
        indices = [plan.origins.index(origin) if origin in plan.origins else None for plan in built.plans]
        if built.wired.ways[origin] is None:
            continue
        if None in indices:
            rows.append(Row(layer.name, layer.type, [(name, None) for name in layer.top], None, None, None))
        else:
            rows.append(_row(built, layer, [i for i in indices if i is not None]))
    return rows


def total(rows: Sequence[Row], name: str) -> tuple[int, bool]:
    """The sum of a number over all rows, and whether it is known of each."""
    values = [getattr(row, name) for row in rows]
    return sum(value for value in values if value is not None), None not in values


def _row(built: Built, layer: Any, indices: list[int]) -> Row:
    plan, i = built.plans[0], indices[0]

    def same(what: Callable[[Any, int], T]) -> T | None:
        values = [what(plan, i) for plan, i in zip(built.plans, indices, strict=True)]
        return values[0] if all(value == values[0] for value in values) else None

    names = plan.top_names[i]
    tops = [(name, _shape([p.tops[k][j].shape for p, k in zip(built.plans, indices, strict=True)]))
            for j, name in enumerate(names)]
    stands_in = plan.layers[i].type != layer.type
    notes = ["in place"] if list(layer.bottom[:1]) == list(layer.top[:1]) and layer.top else []
    owners = dict.fromkeys(owner.layer for user, _, _, owner in plan.params.uses
                           if user is plan.layers[i] and owner.layer != layer.name)
    notes += [f"shares {owner}" for owner in owners]
    return Row(layer.name, layer.type, tops, None if stands_in and layer.type not in DATA else same(_parameters),
               same(_arithmetic), same(_memory), notes)


def _shape(shapes: Sequence[tuple[int, ...]]) -> Shape:
    if len({len(shape) for shape in shapes}) > 1:
        return None
    return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True))


def _parameters(plan: Any, i: int) -> int:
    return sum(owner.blob.count for layer, _, _, owner in plan.params.uses
               if layer is plan.layers[i] and owner.layer == layer.name)


def _arithmetic(plan: Any, i: int) -> int:
    return multiply_adds(plan.layers[i], plan.bottoms[i], plan.tops[i])


def _memory(plan: Any, i: int) -> int:
    before = {id(blob.data_memory) for tops in plan.tops[:i] for blob in tops}
    own = {id(blob.data_memory): blob.nbytes for blob in plan.tops[i]}
    return sum(size for memory, size in own.items() if memory not in before)
