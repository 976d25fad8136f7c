"""A graph in graphviz's language, whatever its names hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Node:
    """A layer (``record``), a blob that some later layer reads (``octagon``) or an output (``ellipse``)."""

    label: str
    shape: str
    color: str = ""


@dataclass(frozen=True)
class Edge:
    """From one key of ``Graph.nodes`` to another; the label tells how many channels leave a layer."""

    tail: tuple[str, ...]
    head: tuple[str, ...]
    label: str = ""


@dataclass
class Graph:
    """What is to be drawn. Layers of one name and type are one node, as the data layers of two phases."""

    name: str
    rankdir: str
    nodes: dict[tuple[str, ...], Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)


def dot_source(drawing: Graph) -> str:
    """The graph in graphviz's language. Names appear in labels only, so none is taken for a port or HTML."""
    ids = {key: f"n{i}" for i, key in enumerate(drawing.nodes)}
    lines = [f"digraph {_quoted(drawing.name)} {{", f"  rankdir={drawing.rankdir};"]
    for key, node in drawing.nodes.items():
        fill = f', style=filled, fillcolor="{node.color}"' if node.color else ""
        lines.append(f"  {ids[key]} [label={_quoted(node.label)}, shape={node.shape}{fill}];")
    for edge in drawing.edges:
        label = f" [label={_quoted(edge.label)}]" if edge.label else ""
        lines.append(f"  {ids[edge.tail]} -> {ids[edge.head]}{label};")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    """A dot string that is drawn as ``text``; characters that cannot be drawn show as their code."""
    text = re.sub("[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff]", _code, text)
    text = text.replace("&", "&amp;")  # or graphviz reads "&lt;" in a name as "<"
    text = re.sub(r'([\\"{}|<>])', r"\\\1", text)
    text = re.sub("(?m)(?<= ) |^ | $", "\xa0", text)  # no-break, where a record would drop the space
    return '"' + text.replace("\n", "\\n") + '"'


def _code(character: re.Match[str]) -> str:
    return character[0].encode("unicode_escape").decode()
