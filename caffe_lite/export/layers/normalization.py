"""Layers that bring values to a common size."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_lite.export.graph import Graph
from caffe_lite.export.layers.activations import plus, times
from caffe_lite.export.registry import Site, exports
from caffe_lite.schema import BNParameter, LRNParameter


@exports("LRN")
def lrn(graph: Graph, at: Site) -> Sequence[str]:
    """Across channels as ONNX has it; within one, the mean of the squares, zeros around the plane."""
    param, x = at.param.lrn_param, at.values[0]
    if param.norm_region == LRNParameter.ACROSS_CHANNELS:
        return [graph.node("LRN", x, size=param.local_size, alpha=param.alpha, beta=param.beta, bias=param.k)]
    size, half = param.local_size, param.local_size // 2
    squares = graph.node("AveragePool", graph.node("Mul", x, x), kernel_shape=[size, size], pads=[half] * 4,
                         count_include_pad=1)
    scale = plus(graph, times(graph, squares, param.alpha), 1)
    return [graph.node("Mul", x, graph.node("Pow", scale, graph.floats(-param.beta)))]


@exports("BatchNorm")
def batch_norm(graph: Graph, at: Site) -> Sequence[str]:
    """The stored sums divided by the stored weight; or the batch's own moments, where the prototxt wants them."""
    param, x, shape = at.param.batch_norm_param, at.values[0], at.shapes[0]
    if param.HasField("use_global_stats") and not param.use_global_stats:
        axes = [i for i in range(len(shape)) if i != 1] if len(shape) > 1 else [0]
        return [_standardised(graph, x, axes, inner_eps=param.eps)]
    weight = at.layer.blobs[2].data[0]
    scale = np.float32(0 if weight == 0 else 1 / weight)
    mean, variance = (at.derived(graph, i, "divided", at.layer.blobs[i].data * scale) for i in (0, 1))
    channels = at.layer.blobs[0].count
    one, zero = graph.floats(np.ones(channels)), graph.floats(np.zeros(channels))
    if len(shape) < 2:
        x = graph.reshape(x, (*shape, 1))
    y = graph.node("BatchNormalization", x, one, zero, mean, variance, epsilon=param.eps)
    return [y if len(shape) > 1 else graph.reshape(y, shape)]


@exports("BN")
def bn(graph: Graph, at: Site) -> Sequence[str]:
    """PSPNet's, with stored statistics, or SegNet's, with the batch's or none."""
    param, shape, x = at.param.bn_param, at.shapes[0], at.values[0]
    scale, shift, *stored = (at.parameter(graph, i, (at.layer.blobs[i].count,)) for i in range(len(at.names)))
    if stored:
        return [graph.node("BatchNormalization", x, scale, shift, *stored, epsilon=param.eps)]
    after = (1,) * (len(shape) - 2)
    scale, shift = (at.parameter(graph, i, (at.layer.blobs[i].count, *after)) for i in (0, 1))
    moments: list[str] = []
    if param.bn_mode == BNParameter.LEARN:
        axes = [i for i in range(len(shape)) if i != 1]
        mean, variance = _moments(graph, x, axes)
        moments = [graph.reshape(value, (1, shape[1], 1, 1)) for value in (mean, variance)]
        x = _standardised(graph, x, axes, inner_eps=1e-9)
    elif len(at.tops) > 1:
        at.fail("it has tops for the batch's mean and variance, which bn_mode: INFERENCE does not compute")
    return [graph.node("Add", graph.node("Mul", x, scale), shift), *moments][:len(at.tops)]


@exports("MVN")
def mvn(graph: Graph, at: Site) -> Sequence[str]:
    param, x, top = at.param.mvn_param, at.values[0], at.top_shapes[0]
    if len(at.shapes[0]) != 4:
        x = graph.reshape(x, top)
    axes = [1, 2, 3] if param.across_channels else [2, 3]
    if not param.normalize_variance:
        return [graph.node("Sub", x, graph.node("ReduceMean", x, axes=axes))]
    return [_standardised(graph, x, axes, outer_eps=param.eps)]


@exports("Normalize")
def normalize(graph: Graph, at: Site) -> Sequence[str]:
    param, shape, x = at.param.norm_param, at.shapes[0], at.values[0]
    axes = list(range(1, len(shape))) if param.across_spatial else [1]
    norm = graph.node("Sqrt", plus(graph, graph.node("ReduceSumSquare", x, axes=axes), param.eps))
    after = () if param.channel_shared else (1,) * (len(shape) - 2)
    scale = at.parameter(graph, 0, (prod(at.layer.blobs[0].shape), *after))
    return [graph.node("Mul", graph.node("Div", x, norm), scale)]


def _moments(graph: Graph, x: str, axes: Sequence[int]) -> tuple[str, str]:
    """Mean and variance, with axes of size 1 for those that they are taken over."""
    mean = graph.node("ReduceMean", x, axes=axes)
    rest = graph.node("Sub", x, mean)
    return mean, graph.node("ReduceMean", graph.node("Mul", rest, rest), axes=axes)


def _standardised(graph: Graph, x: str, axes: Sequence[int], inner_eps: float = 0, outer_eps: float = 0) -> str:
    """``(x - mean) / (sqrt(variance + inner_eps) + outer_eps)``"""
    mean, variance = _moments(graph, x, axes)
    deviation = plus(graph, graph.node("Sqrt", plus(graph, variance, inner_eps)), outer_eps)
    return graph.node("Div", graph.node("Sub", x, mean), deviation)
