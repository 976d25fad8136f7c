"""A net as a graph: layers are boxes, blobs are octagons, as Caffe's ``draw_net.py`` draws them.

Source: ``python/caffe/draw.py`` of BVLC Caffe, for what is drawn and in which colours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from caffe_lite import graph, schema
from caffe_lite.errors import ParameterError
from caffe_lite.report.dot import Edge, Graph, Node, dot_source
from caffe_lite.report.render import check_format, render

RANKDIRS = ("LR", "RL", "TB", "BT")
PHASES = {"TRAIN": schema.TRAIN, "TEST": schema.TEST, "ALL": None}

LAYER, IN_PLACE, BLOB = "#6495ED", "#90EE90", "#E0E0E0"
LAYER_COLORS = {
    "Convolution": "#FF5050",
    "Deconvolution": "#FF5050",
    "Pooling": "#FF9900",
    "InnerProduct": "#CC33FF",
}
LEARNING = ("Convolution", "Deconvolution", "InnerProduct")


def draw_net(
    net: Any,
    path: str | os.PathLike[str],
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
) -> None:
    """Draw ``net``, a ``NetParameter`` in the current form, to a file whose ending tells its format.

    Args:
        rankdir: where the data flows: ``LR``, ``RL``, ``TB`` or ``BT``.
        phase: draw the net of this phase; ``None`` draws the layers of all phases together.
        display_lrm: label the learning layers with their learning rate multipliers.

    Raises:
        ParameterError: an unknown file ending or direction.
        GraphError: phase rules that contradict each other.
        DependencyError: no program here can draw this format.
    """
    check_format(path)
    render(dot_source(net_graph(net, rankdir, phase, display_lrm)), path)


def net_graph(
    net: Any,
    rankdir: str = "LR",
    phase: int | None = None,
    display_lrm: bool = False,
    label_edges: bool = True,
) -> Graph:
    """The nodes and edges of ``net``; arguments as for ``draw_net``."""
    if rankdir not in RANKDIRS:
        raise ParameterError(f"rankdir {rankdir!r} is no direction; give one of {', '.join(RANKDIRS)}")
    if phase is not None:
        state = schema.NetState()
        state.CopyFrom(net.state)  # its level and stages
        state.phase = phase
        net = graph.filter_net(net, state)
    separator = " " if rankdir in ("TB", "BT") else "\n"  # words go where there is room
    drawing = Graph(net.name or "Net", rankdir)
    for layer in net.layer:
        key = ("layer", layer.name, layer.type)
        in_place = list(layer.bottom) == list(layer.top) and len(layer.top) == 1
        color = IN_PLACE if in_place else LAYER_COLORS.get(layer.type, LAYER)
        drawing.nodes[key] = Node(separator.join(layer_description(layer, display_lrm)), "record", color)
        for bottom in layer.bottom:
            drawing.nodes["blob", bottom] = Node(bottom, "octagon", BLOB)
            drawing.edges.append(Edge(("blob", bottom), key))
        for top in layer.top:
            drawing.nodes["blob", top] = Node(top, "ellipse")  # an output, until somebody reads it
            drawing.edges.append(Edge(key, ("blob", top), edge_label(layer) if label_edges else ""))
    return drawing


def layer_description(layer: Any, display_lrm: bool = False) -> Iterator[str]:
    """What a layer's box says, part by part."""
    yield layer.name
    if layer.type == "Pooling":
        param = layer.pooling_param
        yield f"(Pooling {schema.PoolingParameter.PoolMethod.Name(param.pool)})"
        yield f"kernel size: {'global' if param.global_pooling else _extent(param, 'kernel_size', 0)}"
        yield from (f"stride: {_extent(param, 'stride', 1)}", f"pad: {_extent(param, 'pad', 0)}")
    else:
        yield f"({layer.type})"
    if layer.type in ("Convolution", "Deconvolution"):
        param = layer.convolution_param
        yield f"kernel size: {_extent(param, 'kernel_size', 1)}"
        yield from (f"stride: {_extent(param, 'stride', 1)}", f"pad: {_extent(param, 'pad', 0)}")
    if display_lrm and layer.type in LEARNING:
        weight, bias = lr_multipliers(layer)
        if weight or bias:
            yield f"lr mult: {_number(weight)}, {_number(bias)}"


def lr_multipliers(layer: Any) -> tuple[float, float]:
    """Of the weights and of the bias of a layer that learns."""
    weight, bias = [*(param.lr_mult for param in layer.param), 1.0, 1.0][:2]
    return weight, bias


def _extent(param: Any, name: str, default: int) -> str:
    """``5``, or ``3x5`` where the axes differ; from ``name``, repeated or not, or its ``_h`` and ``_w``."""
    stem = name.removesuffix("_size")
    if param.HasField(f"{stem}_h") or param.HasField(f"{stem}_w"):
        sizes = [getattr(param, f"{stem}_h"), getattr(param, f"{stem}_w")]
    else:
        value = getattr(param, name)
        sizes = [value] if isinstance(value, int) else list(value) or [default]
    return str(sizes[0]) if len(set(sizes)) == 1 else "x".join(map(str, sizes))


def edge_label(layer: Any) -> str:
    """How many channels, or items, leave the layer; empty where it does not say."""
    if layer.type == "Data":
        return f"Batch {layer.data_param.batch_size}"
    if layer.type in ("Convolution", "Deconvolution"):
        return str(layer.convolution_param.num_output)
    if layer.type == "InnerProduct":
        return str(layer.inner_product_param.num_output)
    return ""


def _number(value: float) -> str:
    text = f"{value:g}"
    return f"{text}.0" if text.lstrip("-").isdigit() else text
