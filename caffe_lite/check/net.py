"""All checks of one net, in each of the states it is built for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from caffe_lite.check import guesses
from caffe_lite.check.document import Document
from caffe_lite.check.finding import ERROR, WARNING, Finding, wording
from caffe_lite.check.guesses import DATA, Shape
from caffe_lite.check.plan import Plan, Problem
from caffe_lite.check.quiet import listening
from caffe_lite.check.states import state_name, states_of
from caffe_lite.check.wiring import Wired, wire
from caffe_lite.errors import SchemaError
from caffe_lite.schema.tolerant import Path
from caffe_lite.upgrade import upgrade_net


@dataclass
class Built:
    """A net as planned in one state.

    Attributes:
        state: its ``NetState``.
        plans: one for each guess; a single one where nothing had to be guessed.
    """

    document: Document
    state: Any
    wired: Wired
    plans: list[Plan]
    findings: list[Finding] = field(default_factory=list)

    def way(self, i: int) -> Path | None:
        """The way to layer ``i`` of the plan in the document; None for one that is not written there."""
        origin = self.plans[0].origins[i]
        return None if origin is None else self.wired.ways[origin]

    def known_shape(self, i: int, j: int) -> Shape | None:
        """The shape of bottom ``j`` of layer ``i``, where no guess is in it."""
        origin = self.plans[0].origins[i]
        places = [plan.origins.index(origin) if origin in plan.origins else None for plan in self.plans]
        shapes = {None if k is None or j >= len(plan.bottoms[k]) else plan.bottoms[k][j].shape
                  for plan, k in zip(self.plans, places, strict=True)}
        return shapes.pop() if len(shapes) == 1 else None

    def warn(self, i: int, code: str, message: str, remedy: str, field: Path = ()) -> None:
        """Add a warning about layer ``i`` of the plan."""
        way = self.way(i)
        layer = self.plans[0].layers[i]
        if way is not None:
            self.findings.append(Finding(WARNING, code, f"layer {layer.name!r} ({layer.type}): {message}", remedy,
                                         self.document.source, self.document.offset((*way, *field)), layer.name))


_PREFIX = re.compile(r"layer '.*?'(?: \(\w+\))?: ")
Rule = Callable[[Built], None]
"""Looks at a planned net and adds warnings."""


def check_net(document: Document, prefix: Path = (), message: Any = None, states: Sequence[Any] | None = None, *,
              rules: Iterable[Rule] = (), reach: frozenset[str] = DATA,
              shapes: Mapping[str, Shape] | None = None) -> tuple[list[Finding], list[Built]]:
    """What is wrong with a net, and the net as planned.

    Args:
        document: where it is written.
        prefix, message: the way to it in the document, and the ``NetParameter`` there; by default the whole document.
        states: the states it is built for; by default those that its rules tell of.
        rules: further checks.
        reach, shapes: as ``Plan`` takes them.
    """
    source = document.message if message is None else message
    try:
        with listening():
            net = upgrade_net(source)
    except SchemaError as error:
        offset = document.offset_of(prefix, str(error))
        return [Finding(ERROR, "upgrade", str(error), "", document.source, offset)], []
    ways = _ways(source, prefix, net)
    built: list[Built] = []
    for state in states_of(net) if states is None else states:
        wired, problems = wire(document, net, ways, state)
        one = Built(document, state, wired, _plans(wired.net, reach, shapes, document.path), problems)
        one.findings += _told(one)
        for rule in rules:
            rule(one)
        built.append(one)
    return _in_which_state(built), built


def _in_which_state(built: Sequence[Built]) -> list[Finding]:
    """The findings of all states; those that only some have say which."""
    counts = Counter(finding for one in built for finding in dict.fromkeys(one.findings))
    return [finding if counts[finding] == len(built) else
            replace(finding, message=f"{finding.message} (phase {state_name(one.state)})")
            for one in built for finding in one.findings]


def _plans(net: Any, reach: frozenset[str], shapes: Mapping[str, Shape] | None, named_by: str) -> list[Plan]:
    plans: list[Plan] = []
    for which in range(guesses.COUNT):
        plans.append(Plan(net, which, shapes=shapes, reach=reach, named_by=named_by))
        doubtful = any(net.layer[layer].bottom for layer, _ in _common(plans))
        if not plans[0].guessed or (which > 0 and not doubtful):
            break
    return plans


def _common(plans: Sequence[Plan]) -> set[tuple[int, str]]:
    """The layers and texts of the problems that all plans have."""
    return set.intersection(*({(problem.layer, problem.text) for problem in plan.problems} for plan in plans))


def _told(built: Built) -> list[Finding]:
    """What the engine itself says, whatever is guessed."""
    document, common = built.document, _common(built.plans)
    found = []
    for problem in built.plans[0].problems:
        way = built.wired.ways[problem.layer]
        if way is not None and (problem.layer, problem.text) in common:
            layer = built.wired.net.layer[problem.layer]
            severity, code, message, remedy = _worded(problem)
            offset = document.offset_of(way, _PREFIX.sub("", problem.text), layer)
            found.append(Finding(severity, code, message, remedy, document.source, offset, layer.name))
    return found


def _worded(problem: Problem) -> tuple[str, str, str, str]:
    if problem.error is None:
        message, _, remedy = problem.warning.rpartition("; ")
        return WARNING, "engine", message or problem.warning, remedy if message else ""
    return ERROR, *wording(problem.error)


def _ways(source: Any, prefix: Path, upgraded: Any) -> list[Path]:
    """For each layer of the upgraded net the way to where it was written. Upgrading keeps their order; it drops
    padding layers, and puts a layer of inputs before all others."""
    name = "layers" if source.layers else "layer"
    names = [layer.layer.name if name == "layers" and layer.HasField("layer") else layer.name
             for layer in getattr(source, name)]
    ways: list[Path] = []
    at = 0
    for i, layer in enumerate(upgraded.layer):
        if i == 0 and source.input and layer.type == "Input":
            ways.append((*prefix, ("input", 0)))
            continue
        while at < len(names) - 1 and names[at] != layer.name:
            at += 1
        ways.append((*prefix, (name, at)))
        at += 1
    return ways
