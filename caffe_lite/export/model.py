"""A net as an ONNX model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import caffe_lite.export.layers  # noqa: F401  fills the registry
from caffe_lite.blob import Blob
from caffe_lite.errors import ExportError
from caffe_lite.export.graph import Graph, Shape
from caffe_lite.export.registry import Site, exporter_of
from caffe_lite.net import Net
from caffe_lite.version import __version__


def to_onnx(nets: Sequence[Net], outputs: Sequence[str] = ()) -> Any:
    """The ``ModelProto`` of a net.

    Args:
        nets: the net, or several of one message that differ in the size of their batch: sizes in which they differ
            are left open in the model. Parameters are the first one's.
        outputs: the blobs to output, by default those that the net does.

    Raises:
        ExportError: layers that cannot go, all of them.
    """
    net, problems = nets[0], []
    graph = Graph(reserved=net.blobs)
    values: dict[str, str] = {}
    names = _parameter_names(net)
    last = {top: i for i, tops in enumerate(net.top_names) for top in tops}
    for i, layer in enumerate(net.layers):
        graph.layer, first = layer.name, len(graph.nodes)
        exporter = exporter_of(layer.type)
        if exporter is None:
            raise ExportError(f"layer {layer.name!r} ({layer.type}) has no meaning in ONNX")
        try:
            site = Site(layer, net.bottoms[i], net.tops[i], [values[name] for name in layer.param.bottom],
                        _shapes([other.bottoms[i] for other in nets]), _shapes([other.tops[i] for other in nets]),
                        names[i])
            results = exporter(graph, site)
        except ExportError as error:
            problems.append(str(error))
            results = net.top_names[i]  # whatever comes after it may have problems too
        for top, value in zip(net.top_names[i], results, strict=True):
            name = top if last[top] == i else graph.unused(f"{top}/{layer.name}")
            values[top] = graph.give_name(value, name, first)
    if problems:
        raise ExportError("\n".join(problems))
    outputs = outputs or net.outputs
    for name in outputs:
        graph.add_output(name, values[name], _named_sizes(name, nets))
    return graph.model(net.name or "net", __version__)


def _parameter_names(net: Net) -> list[list[str]]:
    """For each layer the names of its parameters: ``LAYER/INDEX`` of the first layer that has it."""
    names: dict[int, str] = {}
    for owner in net.params.learnable:
        name = f"{owner.layer}/{owner.index}"
        names[id(owner)] = name if name not in names.values() else f"{name}_{len(names)}"  # two layers of one name
    uses = [(layer, names[id(owner)]) for layer, _, _, owner in net.params.uses]
    return [[name for user, name in uses if user is layer] for layer in net.layers]


def _named_sizes(name: str, nets: Sequence[Net]) -> list[int | str | None]:
    """The shape of a blob; a size that is the batch's is called so, another that changes with it is ``None``."""
    (shape,) = _shapes([[net.blobs[name]] for net in nets])
    batches = [next((net.blobs[i].shape[0] for i in net.inputs if net.blobs[i].shape), None) for net in nets]
    return ["batch" if size is None and [net.blobs[name].shape[i] for net in nets] == batches else size
            for i, size in enumerate(shape)]


def _shapes(versions: Sequence[Sequence[Blob]]) -> list[Shape]:
    """What is common to the shapes of the same blobs in several nets.

    Raises:
        ExportError: they have not even as many axes.
    """
    shapes: list[Shape] = []
    for blobs in zip(*versions, strict=True):
        try:
            axes = list(zip(*(blob.shape for blob in blobs), strict=True))
        except ValueError:
            raise ExportError(f"shapes {[blob.shape for blob in blobs]} depend on the batch") from None
        shapes.append(tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in axes))
    return shapes
