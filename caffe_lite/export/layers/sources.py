"""Layers without bottoms that matter: inputs and constants."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.export.graph import Graph
from caffe_lite.export.registry import Site, exports


@exports("Input")
def inputs(graph: Graph, at: Site) -> Sequence[str]:
    return [graph.add_input(name, ["batch" if size is None else size for size in shape])
            for name, shape in zip(at.param.top, at.top_shapes, strict=True)]


@exports("Parameter")
def parameter(graph: Graph, at: Site) -> Sequence[str]:
    return [at.parameter(graph, 0)]


@exports("DummyData", "PriorBox")
def constants(graph: Graph, at: Site) -> Sequence[str]:
    """What the layer makes from shapes alone."""
    at.layer.forward(at.bottoms, at.tops)
    return [graph.floats(top.data) for top in at.tops]
