"""Pooling with Caffe's windows: as many as it counts, the last of which may reach over the edge."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from caffe_lite.export.graph import Graph
from caffe_lite.export.registry import Site, exports
from caffe_lite.layers.pooling import PoolingLayer
from caffe_lite.schema import PoolingParameter


@exports("Pooling")
def pooling(graph: Graph, at: Site) -> Sequence[str]:
    layer, x = at.layer, at.values[0]
    assert isinstance(layer, PoolingLayer)
    method = layer.param.pooling_param.pool
    if layer.param.pooling_param.global_pooling and len(at.tops) == 1 and method != PoolingParameter.STOCHASTIC:
        return [graph.node("GlobalMaxPool" if method == PoolingParameter.MAX else "GlobalAveragePool", x)]
    size, out = at.known(at.shapes[0][2:]), at.known(at.top_shapes[0][2:])
    if len(at.tops) == 1:
        return [windows(graph, at, x, method, size, out, layer.window)]
    y, places = graph.several("MaxPool", 2, x, **_max_attributes(at, size, out, layer.window))
    return [y, graph.to_float(graph.node("Mod", places, graph.integer(prod(size))))]  # places count all planes


@exports("SPP")
def spp(graph: Graph, at: Site) -> Sequence[str]:
    """A pooling for each level, flattened and joined."""
    layer: Any = at.layer
    method, size = at.param.spp_param.pool, at.known(at.shapes[0][2:])
    levels = [windows(graph, at, at.values[0], method, size, pooled.shape[2:], level.window)
              for level, pooled in zip(layer.levels, layer.pooled, strict=True)]
    if len(levels) == 1:
        return levels
    return [graph.node("Concat", *(graph.node("Flatten", level) for level in levels), axis=1)]


def windows(graph: Graph, at: Site, x: str, method: int, size: Sequence[int], out: Sequence[int],
            window: Sequence[int]) -> str:
    """Pooled planes of ``size`` to ``out``; ``window`` is kernel, stride and pad of both axes, as the layer has it."""
    if method == PoolingParameter.MAX:
        return graph.node("MaxPool", x, **_max_attributes(at, size, out, window))
    if method == PoolingParameter.AVE:
        return _average(graph, at, x, size, out, window)
    sums = _average(graph, at, x, size, out, window)
    squares = _average(graph, at, graph.node("Mul", x, x), size, out, window)
    zero = graph.floats(0)
    return graph.node("Where", graph.node("Greater", sums, zero), graph.node("Div", squares, sums), zero)


def _max_attributes(at: Site, size: Sequence[int], out: Sequence[int], window: Sequence[int]) -> dict[str, Any]:
    pads = list(window[4:])
    return {"kernel_shape": list(window[:2]), "strides": list(window[2:4]),
            "pads": [*pads, *_beyond(at, size, out, window, pads)]}


def _average(graph: Graph, at: Site, x: str, size: Sequence[int], out: Sequence[int], window: Sequence[int]) -> str:
    """Padding counts as zeros that are there; what lies beyond it does not count."""
    pads = list(window[4:])
    if any(pads):
        x = graph.node("Pad", x, graph.integers(0, 0, *pads, 0, 0, *pads))
    ends = _beyond(at, size, out, window, [2 * pad for pad in pads])
    return graph.node("AveragePool", x, kernel_shape=list(window[:2]), strides=list(window[2:4]), pads=[0, 0, *ends])


def _beyond(at: Site, size: Sequence[int], out: Sequence[int], window: Sequence[int],
            padded: Sequence[int]) -> list[int]:
    """How far the last windows reach beyond the plane with so much padding."""
    reached = [(n - 1) * stride + kernel for n, kernel, stride in zip(out, window[:2], window[2:4], strict=True)]
    if any((n - 1) * stride >= m + pad for n, stride, m, pad in zip(out, window[2:4], size, window[4:], strict=True)):
        at.fail(f"its last window lies beyond the bottom of {tuple(size)}, where Caffe's result means nothing; make "
                "the stride smaller")
    return [max(0, end - m - pad) for end, m, pad in zip(reached, size, padded, strict=True)]
