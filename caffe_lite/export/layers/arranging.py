"""Layers that move elements and leave them as they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from caffe_lite.export.graph import Graph
from caffe_lite.export.registry import Site, exports

TO_THE_END = (1 << 63) - 1


@exports("Split")
def split(graph: Graph, at: Site) -> Sequence[str]:
    return [at.values[0]] * len(at.tops)


@exports("Silence")
def silence(graph: Graph, at: Site) -> Sequence[str]:
    return []


@exports("Reshape", "Flatten")
def reshape(graph: Graph, at: Site) -> Sequence[str]:
    return at.values if at.shapes[0] == at.top_shapes[0] else [graph.reshape(at.values[0], at.top_shapes[0])]


@exports("Slice")
def slices(graph: Graph, at: Site) -> Sequence[str]:
    """At its points, or in equal parts."""
    param = at.param.slice_param
    axis = at.axis(param.slice_dim if param.HasField("slice_dim") else param.axis)
    if len(at.tops) == 1:
        return at.values
    if not param.slice_point:
        return graph.several("Split", len(at.tops), at.values[0], axis=axis)
    return [_part(graph, at.values[0], [axis], [start], [end])
            for start, end in pairwise([0, *param.slice_point, TO_THE_END])]


@exports("Crop")
def crop(graph: Graph, at: Site) -> Sequence[str]:
    """Axes whose size does not change are left alone, and with them the batch."""
    shape, axis = at.bottoms[0].shape, at.axis(at.param.crop_param.axis)
    offsets = list(at.param.crop_param.offset) or [0]
    offsets = [0] * axis + (offsets * (len(shape) - axis) if len(offsets) == 1 else offsets)
    cut = [i for i, (size, left) in enumerate(zip(shape, at.tops[0].shape, strict=True)) if size != left]
    starts, sizes = [offsets[i] for i in cut], at.known(tuple(at.top_shapes[0][i] for i in cut))
    return [_part(graph, at.values[0], cut, starts, [a + n for a, n in zip(starts, sizes, strict=True)])]


@exports("Tile")
def tile(graph: Graph, at: Site) -> Sequence[str]:
    repeats = [1] * len(at.shapes[0])
    repeats[at.axis(at.param.tile_param.axis)] = at.param.tile_param.tiles
    return [graph.node("Tile", at.values[0], graph.integers(*repeats))]


@exports("Permute")
def permute(graph: Graph, at: Site) -> Sequence[str]:
    order = list(at.param.permute_param.order)
    order += [axis for axis in range(len(at.shapes[0])) if axis not in order]
    return [graph.node("Transpose", at.values[0], perm=order)]


@exports("ShuffleChannel")
def shuffle_channel(graph: Graph, at: Site) -> Sequence[str]:
    """Channels as a table of groups, turned over."""
    shape, group = at.shapes[0], at.param.shuffle_channel_param.group
    (channels,) = at.known(shape[1:2])
    table = graph.reshape(at.values[0], (shape[0], group, channels // group, *shape[2:]))
    turned = graph.node("Transpose", table, perm=[0, 2, 1, *range(3, len(shape) + 1)])
    return [graph.reshape(turned, shape)]


def _part(graph: Graph, x: str, axes: Sequence[int], starts: Sequence[int], ends: Sequence[int]) -> str:
    """``x[..., start:end, ...]`` along each of the axes."""
    if not axes:
        return x
    return graph.node("Slice", x, graph.integers(*starts), graph.integers(*ends), graph.integers(*axes))
