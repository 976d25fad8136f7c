"""Which layers belong to a state, and what their bottoms are: a net that can be set up, whatever was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caffe_lite.check.document import Document
from caffe_lite.check.finding import ERROR, Finding
from caffe_lite.check.guesses import UNKNOWN
from caffe_lite.check.quiet import listening
from caffe_lite.graph import meets_rule
from caffe_lite.graph.splits import unknown_bottom
from caffe_lite.schema import LayerParameter, NetParameter
from caffe_lite.schema.advice import did_you_mean
from caffe_lite.schema.tolerant import Path


@dataclass
class Wired:
    """The layers of one state; ``ways`` to them in the document, and None for one that stands for a missing blob."""

    net: Any
    ways: list[Path | None]


def wire(document: Document, net: Any, ways: list[Path], state: Any) -> tuple[Wired, list[Finding]]:
    """The layers of a net in the current form that belong to a state, and what is wrong with their wiring.

    Layers that cannot be understood get a type that nobody knows; a bottom that no layer makes gets one that does.
    """
    wired, findings = Wired(NetParameter(name=net.name, state=state, force_backward=net.force_backward), []), []
    for layer, way in zip(net.layer, ways, strict=True):
        if layer.include and layer.exclude:
            findings.append(Finding(ERROR, "graph", f"layer {layer.name!r} has include and exclude rules", "keep one "
                                    "kind", document.source, document.offset((*way, ("exclude", 0))), layer.name))
        if _belongs(layer, state):
            added = wired.net.layer.add()
            added.CopyFrom(layer)
            added.ClearField("include")
            added.ClearField("exclude")
            if document.is_broken(way):
                added.CopyFrom(LayerParameter(name=layer.name, type=UNKNOWN, bottom=layer.bottom, top=layer.top))
            wired.ways.append(way)
    return _complete(document, wired, findings)


def _complete(document: Document, wired: Wired, findings: list[Finding]) -> tuple[Wired, list[Finding]]:
    complete = Wired(NetParameter(), [])
    complete.net.CopyFrom(wired.net)
    del complete.net.layer[:]
    made: set[str] = set()
    for i, (layer, way) in enumerate(zip(wired.net.layer, wired.ways, strict=True)):
        copy = LayerParameter()
        copy.CopyFrom(layer)
        for j, name in enumerate(layer.bottom):
            if name in made:
                continue
            assert way is not None, "only layers of the document have bottoms"
            message, _, hint = unknown_bottom(wired.net, i, j).partition("; ")
            remedy = did_you_mean(name, made).strip()
            remedy = f"{remedy} ({hint})" if remedy else hint
            findings.append(Finding(ERROR, "graph", message, remedy, document.source,
                                    document.offset((*way, ("bottom", j))), layer.name))
            copy.bottom[j] = f"{name} (unknown)"
            if copy.bottom[j] not in made:
                made.add(copy.bottom[j])
                complete.net.layer.add(name=copy.bottom[j], type=UNKNOWN, top=[copy.bottom[j]])
                complete.ways.append(None)
        complete.net.layer.append(copy)
        complete.ways.append(way)
        made.update(copy.top)
    return complete, findings


def _belongs(layer: Any, state: Any) -> bool:
    """As ``filter_net`` has it; where a layer has both kinds of rules, those that include it count."""
    with listening():
        met = any(meets_rule(state, rule) for rule in layer.include or layer.exclude)
    return met == bool(layer.include)
