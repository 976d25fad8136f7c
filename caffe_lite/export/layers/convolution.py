"""Convolution, what is like it, and the inner product."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from caffe_lite.export.graph import Graph, Shape, merged
from caffe_lite.export.registry import Site, exports
from caffe_lite.layers.convolution_geometry import Geometry, read_geometry
from caffe_lite.schema import ConvolutionParameter


@exports("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution")
def convolution(graph: Graph, at: Site) -> Sequence[str]:
    geometry, axis = _geometry(at, at.param.convolution_param)
    shape = (*geometry.weight_shape, *_missing(geometry))
    weights = [at.parameter(graph, 0, shape), *_bias(graph, at)]
    return [_run(graph, "Conv", value, at.shapes[0], top, axis, weights, _attributes(geometry, at, axis))
            for value, top in zip(at.values, at.top_shapes, strict=True)]


@exports("Deconvolution")
def deconvolution(graph: Graph, at: Site) -> Sequence[str]:
    geometry, axis = _geometry(at, at.param.convolution_param)
    shape = (geometry.channels, geometry.outputs // geometry.group, *geometry.kernel, *_missing(geometry))
    weights = [at.parameter(graph, 0, shape), *_bias(graph, at)]
    attributes = _attributes(geometry, at, None)
    return [_run(graph, "ConvTranspose", value, at.shapes[0], top, axis, weights, attributes)
            for value, top in zip(at.values, at.top_shapes, strict=True)]


@exports("Im2col")
def im2col(graph: Graph, at: Site) -> Sequence[str]:
    """A convolution of every channel with as many filters as they have elements, a 1 in each."""
    param = ConvolutionParameter()
    param.CopyFrom(at.param.convolution_param)
    param.num_output = param.group = 1
    geometry, axis = _geometry(at, param)
    taps = prod(geometry.kernel)
    filters = np.tile(np.eye(taps), (geometry.channels, 1)).reshape(-1, 1, *geometry.kernel)
    attributes = _attributes(geometry, at, axis) | {"group": geometry.channels}
    weights = [graph.floats(filters)]
    return [_run(graph, "Conv", at.values[0], at.shapes[0], at.top_shapes[0], axis, weights, attributes)]


@exports("InnerProduct")
def inner_product(graph: Graph, at: Site) -> Sequence[str]:
    param, shape, x = at.param.inner_product_param, at.shapes[0], at.values[0]
    axis = at.axis(param.axis)
    if len(shape) != 2 or axis != 1:
        x = graph.reshape(x, (merged(shape[:axis]), prod(at.known(shape[axis:]))))
    y = graph.node("Gemm", x, at.parameter(graph, 0), *_bias(graph, at), transB=int(not param.transpose))
    return [y if axis == 1 else graph.reshape(y, at.top_shapes[0])]


def _bias(graph: Graph, at: Site) -> list[str]:
    return [at.parameter(graph, 1)] if len(at.layer.blobs) > 1 else []


def _geometry(at: Site, param: Any) -> tuple[Geometry, int]:
    """The sizes, and the axis of the channels."""
    axis = at.axis(param.axis)
    channels = at.known(at.shapes[0][axis: axis + 1])[0]
    return read_geometry(param, channels, len(at.shapes[0]) - axis - 1, at.layer.fail), axis


def _missing(geometry: Geometry) -> tuple[int, ...]:
    """ONNX wants a spatial axis."""
    return () if geometry.kernel else (1,)


def _attributes(geometry: Geometry, at: Site, axis: int | None) -> dict[str, Any]:
    """Of a Conv whose channels are at ``axis``, or of a ConvTranspose (``None``).

    A kernel larger than the padded image, which Caffe lets reach over the edge, gets more padding at the end.
    """
    ends = list(geometry.pad)
    if axis is not None:
        outs, sizes = (at.known(shape[axis + 1:]) for shape in (at.top_shapes[0], at.shapes[0]))
        needed = [(out - 1) * s + e - n - p for out, s, e, n, p in zip(
            outs, geometry.stride, geometry.extent, sizes, geometry.pad, strict=True)]
        ends = list(map(max, ends, needed))
    more = len(_missing(geometry))
    return {"kernel_shape": [*geometry.kernel, *[1] * more], "strides": [*geometry.stride, *[1] * more],
            "dilations": [*geometry.dilation, *[1] * more], "group": geometry.group,
            "pads": [*geometry.pad, *[0] * more, *ends, *[0] * more]}


def _run(graph: Graph, op: str, x: str, shape: Shape, top: Shape, axis: int, weights: Sequence[str],
         attributes: dict[str, Any]) -> str:
    """The node, between two reshapes where the axes are not batch, channels and at least one more."""
    if axis == 1 and len(shape) > 2:
        return graph.node(op, x, *weights, **attributes)
    images = (merged(shape[:axis]), *shape[axis:], *[1] * (len(shape) == axis + 1))
    return graph.reshape(graph.node(op, graph.reshape(x, images), *weights, **attributes), top)
