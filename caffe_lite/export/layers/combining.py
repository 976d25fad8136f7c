"""Layers that make one blob of several, or of one and a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from caffe_lite.export.graph import Graph
from caffe_lite.export.layers.activations import times
from caffe_lite.export.registry import Site, exports
from caffe_lite.schema import EltwiseParameter


@exports("Eltwise")
def eltwise(graph: Graph, at: Site) -> Sequence[str]:
    param = at.param.eltwise_param
    if param.operation == EltwiseParameter.PROD:
        return [reduce(lambda a, b: graph.node("Mul", a, b), at.values)]
    if param.operation == EltwiseParameter.MAX:
        return [graph.node("Max", *at.values)]
    coeffs = list(param.coeff) or [1.0] * len(at.values)
    terms = [times(graph, value, coeff) for value, coeff in zip(at.values, coeffs, strict=True)]
    return [reduce(lambda a, b: graph.node("Add", a, b), terms)]


@exports("Concat")
def concat(graph: Graph, at: Site) -> Sequence[str]:
    param = at.param.concat_param
    if len(at.values) == 1:
        return at.values
    axis = at.axis(param.concat_dim if param.HasField("concat_dim") else param.axis)
    return [graph.node("Concat", *at.values, axis=axis)]


@exports("Scale")
def scale(graph: Graph, at: Site) -> Sequence[str]:
    param = at.param.scale_param
    y = graph.node("Mul", at.values[0], _operand(graph, at, param))
    if param.bias_term:
        y = graph.node("Add", y, _aligned(graph, at, param, len(at.names) - 1))
    return [y]


@exports("Bias")
def bias(graph: Graph, at: Site) -> Sequence[str]:
    return [graph.node("Add", at.values[0], _operand(graph, at, at.param.bias_param))]


@exports("Axpy")
def axpy(graph: Graph, at: Site) -> Sequence[str]:
    """The factors get an axis of size 1 for each that they lack."""
    a, x, y = at.values
    axes = len(at.shapes[1])
    if len(at.shapes[0]) != axes:
        a = graph.reshape(a, (*at.shapes[0][:2], *[1] * (axes - 2)))
    return [graph.node("Add", graph.node("Mul", a, x), y)]


def _operand(graph: Graph, at: Site, param: Any) -> str:
    """The second bottom, or the first parameter."""
    if len(at.values) == 1:
        return _aligned(graph, at, param, 0)
    shape = at.shapes[1]
    after = _axes_after(at, param, len(shape))
    return graph.reshape(at.values[1], (*shape, *[1] * after)) if after else at.values[1]


def _aligned(graph: Graph, at: Site, param: Any, index: int) -> str:
    """A parameter, with axes of size 1 for the bottom's axes after those that it covers."""
    shape = at.layer.blobs[index].shape
    return at.parameter(graph, index, (*shape, *[1] * _axes_after(at, param, len(shape))))


def _axes_after(at: Site, param: Any, covered: int) -> int:
    return len(at.shapes[0]) - at.axis(param.axis) - covered if covered else 0
