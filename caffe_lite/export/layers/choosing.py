"""Layers that sum up, and layers that pick by value or by index."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.export.graph import Graph, merged
from caffe_lite.export.layers.activations import times
from caffe_lite.export.registry import Site, exports
from caffe_lite.schema import ReductionParameter

TO_THE_FRONT = -(1 << 63)


@exports("Softmax")
def softmax(graph: Graph, at: Site) -> Sequence[str]:
    return [graph.node("Softmax", at.values[0], axis=at.axis(at.param.softmax_param.axis))]


@exports("Reduction")
def reduction(graph: Graph, at: Site) -> Sequence[str]:
    param, x = at.param.reduction_param, at.values[0]
    axes = list(range(at.axis(param.axis), len(at.shapes[0])))
    if param.operation == ReductionParameter.SUM:
        y = graph.node("ReduceSum", x, graph.integers(*axes), keepdims=0)
    else:
        op = {ReductionParameter.ASUM: "ReduceL1", ReductionParameter.SUMSQ: "ReduceSumSquare",
              ReductionParameter.MEAN: "ReduceMean"}[param.operation]
        y = graph.node(op, x, axes=axes, keepdims=0)
    return [times(graph, y, param.coeff)]


@exports("ArgMax")
def arg_max(graph: Graph, at: Site) -> Sequence[str]:
    """Of equal values Caffe takes the last, ONNX the first; therefore from behind."""
    param, shape, x = at.param.argmax_param, at.shapes[0], at.values[0]
    axis = at.axis(param.axis) if param.HasField("axis") else 1
    if not param.HasField("axis"):
        shape = (shape[0], merged(shape[1:]))
        x = graph.reshape(x, shape)
    (size,) = at.known(shape[axis: axis + 1])
    back = graph.node("Slice", x, graph.integers(-1), graph.integers(TO_THE_FRONT), graph.integers(axis),
                      graph.integers(-1))
    values, places = graph.several("TopK", 2, back, graph.integers(param.top_k), axis=axis)
    indices = graph.to_float(graph.node("Sub", graph.integer(size - 1), places))
    if param.HasField("axis"):
        return [values if param.out_max_val else indices]
    y = graph.node("Concat", indices, values, axis=1) if param.out_max_val else indices
    return [graph.reshape(y, at.top_shapes[0])]


@exports("Embed")
def embed(graph: Graph, at: Site) -> Sequence[str]:
    y = graph.node("Gather", at.parameter(graph, 0), graph.to_int(at.values[0]))
    return [graph.node("Add", y, at.parameter(graph, 1)) if len(at.names) > 1 else y]


@exports("BatchReindex")
def batch_reindex(graph: Graph, at: Site) -> Sequence[str]:
    return [graph.node("Gather", at.values[0], graph.to_int(at.values[1]))]


@exports("Filter")
def filtered(graph: Graph, at: Site) -> Sequence[str]:
    """How many items stay, only the values tell; so the batch must be one that may change."""
    *values, selector = at.values
    if at.shapes[0][0] is not None:
        at.fail("how many items it keeps is known only when the net runs, which a batch of fixed size cannot express")
    chosen = graph.to_bool(graph.reshape(selector, (None,)))
    return [graph.node("Compress", value, chosen, axis=0) for value in values]


@exports("ROIPooling")
def roi_pooling(graph: Graph, at: Site) -> Sequence[str]:
    param, (x, regions) = at.param.roi_pooling_param, at.values
    if len(at.shapes[1]) != 2:
        regions = graph.reshape(regions, (at.shapes[1][0], prod(at.known(at.shapes[1][1:]))))
    return [graph.node("MaxRoiPool", x, regions, pooled_shape=[param.pooled_h, param.pooled_w],
                       spatial_scale=param.spatial_scale)]
