"""Layers that treat every element alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite.export.graph import Graph
from caffe_lite.export.registry import Site, exports

SIMPLE = {"AbsVal": "Abs", "BNLL": "Softplus", "Sigmoid": "Sigmoid", "TanH": "Tanh"}


@exports(*SIMPLE)
def simple(graph: Graph, at: Site) -> Sequence[str]:
    return [graph.node(SIMPLE[at.layer.type], at.values[0])]


@exports("Dropout")
def dropout(graph: Graph, at: Site) -> Sequence[str]:
    """In the TEST phase nothing."""
    return at.values


@exports("ReLU")
def relu(graph: Graph, at: Site) -> Sequence[str]:
    slope = at.param.relu_param.negative_slope
    return [graph.node("LeakyRelu", at.values[0], alpha=slope) if slope else graph.node("Relu", at.values[0])]


@exports("PReLU")
def prelu(graph: Graph, at: Site) -> Sequence[str]:
    """The slopes lie along axis 1, which for ONNX needs an axis of size 1 for each after it."""
    slopes = at.layer.blobs[0].count
    after = () if at.param.prelu_param.channel_shared else (1,) * (len(at.shapes[0]) - 2)
    return [graph.node("PRelu", at.values[0], at.parameter(graph, 0, (slopes, *after)))]


@exports("ELU")
def elu(graph: Graph, at: Site) -> Sequence[str]:
    return [graph.node("Elu", at.values[0], alpha=at.param.elu_param.alpha)]


@exports("Swish")
def swish(graph: Graph, at: Site) -> Sequence[str]:
    x = at.values[0]
    return [graph.node("Mul", x, graph.node("Sigmoid", times(graph, x, at.param.swish_param.beta)))]


@exports("Clip")
def clip(graph: Graph, at: Site) -> Sequence[str]:
    param = at.param.clip_param
    return [graph.node("Clip", at.values[0], graph.floats(param.min), graph.floats(param.max))]


@exports("ReLU6")
def relu6(graph: Graph, at: Site) -> Sequence[str]:
    return [graph.node("Clip", at.values[0], graph.floats(0), graph.floats(6))]


@exports("Threshold")
def threshold(graph: Graph, at: Site) -> Sequence[str]:
    limit = graph.floats(at.param.threshold_param.threshold)
    return [graph.to_float(graph.node("Greater", at.values[0], limit))]


@exports("Power")
def power(graph: Graph, at: Site) -> Sequence[str]:
    param = at.param.power_param
    line = plus(graph, times(graph, at.values[0], param.scale), param.shift)
    return [line if param.power == 1 else graph.node("Pow", line, graph.floats(param.power))]


@exports("Exp")
def exponential(graph: Graph, at: Site) -> Sequence[str]:
    inner, outer = _numbers(at)
    return [times(graph, graph.node("Exp", times(graph, at.values[0], inner)), outer)]


@exports("Log")
def logarithm(graph: Graph, at: Site) -> Sequence[str]:
    factor, scale, shift = _numbers(at)
    return [times(graph, graph.node("Log", plus(graph, times(graph, at.values[0], scale), shift)), factor)]


def _numbers(at: Site) -> Sequence[float]:
    """The scalars that the layer's kernels take."""
    layer: Any = at.layer
    numbers: Sequence[float] = layer.numbers()
    return numbers


def times(graph: Graph, value: str, factor: float) -> str:
    """The value, multiplied unless by 1."""
    return value if factor == 1 else graph.node("Mul", value, graph.floats(factor))


def plus(graph: Graph, value: str, term: float) -> str:
    """The value and a number, unless that is 0."""
    return value if term == 0 else graph.node("Add", value, graph.floats(term))
