"""Layers that make planes larger or smaller."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.export.graph import Graph
from caffe_lite.export.registry import Site, exports


@exports("Interp")
def interp(graph: Graph, at: Site) -> Sequence[str]:
    """Bilinear between corners that stay corners, after a crop where there is one."""
    param, x = at.param.interp_param, at.values[0]
    if param.pad_beg or param.pad_end:
        ends = [size + param.pad_end for size in at.known(at.shapes[0][2:])]
        x = graph.node("Slice", x, graph.integers(-param.pad_beg, -param.pad_beg), graph.integers(*ends),
                       graph.integers(2, 3))
    size = graph.node("Concat", graph.sizes(x, 0, 2), graph.integers(*at.known(at.top_shapes[0][2:])), axis=0)
    return [graph.node("Resize", x, "", "", size, mode="linear", coordinate_transformation_mode="align_corners")]


@exports("Upsample")
def upsample(graph: Graph, at: Site) -> Sequence[str]:
    """Every plane as a row of zeros, into which the values go."""
    (x, mask), (num, channels, *size) = at.values, at.shapes[0]
    rows = (num, channels, prod(at.known(tuple(size))))
    sizes = graph.node("Concat", graph.sizes(x, 0, 2), graph.integers(prod(at.known(at.top_shapes[0][2:]))), axis=0)
    places, values = graph.to_int(graph.reshape(mask, rows)), graph.reshape(x, rows)
    return [graph.reshape(graph.node("ScatterElements", graph.zeros(sizes), places, values, axis=2), at.top_shapes[0])]
