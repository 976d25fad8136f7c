"""How the coordinates of one blob of a ``NetSpec`` relate to those of another, for cropping one to the other.

A map is ``(axis, scale, shift)``: coordinate ``x`` of a layer's bottom is ``scale * x + shift`` in its top, from
``axis`` on; an ``axis`` of None stands for the same coordinates on any axis. Scale and shift are numbers, or arrays
with one for each spatial axis. Source: what the file of this name gives in Caffe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from .net_spec import Function, Top, layers

PASS_THROUGH_LAYERS = ["AbsVal", "BNLL", "BatchNorm", "Bias", "Clip", "Dropout", "ELU", "Eltwise", "Exp", "LRN", "Log",
                       "MVN", "PReLU", "Power", "ReLU", "Scale", "Sigmoid", "Split", "Swish", "TanH",
                       "Threshold"]  # fmt: skip

Map = tuple[int | None, Any, Any]
IDENTITY: Map = (None, 1, 0)


class UndefinedMapException(Exception):
    """A layer that does not keep coordinates, such as InnerProduct."""


class AxisMismatchException(Exception):
    """Two maps of different axes."""


def conv_params(fn: Function) -> tuple[int, Any, Any, Any]:
    """Axis, stride, extent of the dilated kernel, and padding of a layer that slides a kernel.

    Raises:
        AssertionError: it says them with the old ``kernel_h`` and the like.
    """
    params = fn.params.get("convolution_param") or fn.params.get("pooling_param") or fn.params
    old = {f"{what}_{axis}" for what in ("kernel", "stride", "pad") for axis in "hw"} & set(params)
    assert not old, f"coordinates of a {fn.type_name} with {', '.join(sorted(old))}: give kernel_size, stride and pad"
    kernel, dilation, stride, pad = (
        np.array(params.get(name, default), ndmin=1)
        for name, default in (("kernel_size", 1), ("dilation", 1), ("stride", 1), ("pad", 0))
    )
    return params.get("axis", 1), stride, (kernel - 1) * dilation + 1, pad


def crop_params(fn: Function) -> tuple[int, Any]:
    """The first axis that a Crop layer crops, and its offsets."""
    params = fn.params.get("crop_param") or fn.params
    return params.get("axis", 2), np.array(params.get("offset", 0), ndmin=1)


def coord_map(fn: Function) -> Map:
    """The map from a layer's bottom to its top.

    A kernel of extent k at stride s with padding p: ``(x + p - (k - 1) / 2) / s``; transposed, as Deconvolution
    does it: ``s x + (k - 1) / 2 - p``.

    Raises:
        UndefinedMapException: there is none.
    """
    if fn.type_name in ("Convolution", "Pooling", "Im2col"):
        axis, stride, extent, pad = conv_params(fn)
        return axis, 1 / stride, (pad - (extent - 1) / 2) / stride
    if fn.type_name == "Deconvolution":
        axis, stride, extent, pad = conv_params(fn)
        return axis, stride, (extent - 1) / 2 - pad
    if fn.type_name == "Crop":
        axis, offset = crop_params(fn)
        return axis - 1, 1, -offset  # the axis before the first that is cropped
    if fn.type_name in PASS_THROUGH_LAYERS:
        return IDENTITY
    raise UndefinedMapException(f"a {fn.type_name} layer does not map coordinates")


def compose(base_map: Map, next_map: Map) -> Map:
    """First the one map's shift and scale, then the other's inside: ``a1 (a2 x + b2) + b1``.

    Raises:
        AxisMismatchException: the maps are of different axes.
    """
    (axis1, a1, b1), (axis2, a2, b2) = base_map, next_map
    if None not in (axis1, axis2) and axis1 != axis2:
        raise AxisMismatchException(f"one map is of axis {axis1}, the other of axis {axis2}")
    return axis2 if axis1 is None else axis1, a1 * a2, a1 * b2 + b1


def inverse(coord_map: Map) -> Map:
    """The map back: ``x / a - b / a``."""
    axis, a, b = coord_map
    return axis, 1 / a, -b / a


def coord_map_from_to(top_from: Top, top_to: Top) -> Map:
    """The map from one blob to another, through a blob that both come from.

    Raises:
        RuntimeError: layers that keep coordinates connect them nowhere.
        AxisMismatchException: the layers between are of different axes.
    """
    from_maps = dict(_sources(top_from))
    for top, to_map in _sources(top_to):
        if top in from_maps:
            return compose(to_map, inverse(from_maps[top]))
    raise RuntimeError("Could not compute map between tops; are they connected by spatial layers?")


def crop(top_from: Top, top_to: Top) -> Top:
    """A Crop layer that cuts out of one blob what lies over another.

    Raises:
        AssertionError: the two are of different scale, or the one does not cover the other, or not in whole pixels.
        RuntimeError, AxisMismatchException: as ``coord_map_from_to``.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    assert np.all(scale == 1), f"scale mismatch on crop (a = {scale})"
    assert np.all(shift <= 0), f"cannot crop negative offset (b = {shift})"
    assert np.all(np.round(shift) == shift), f"cannot crop noninteger offset (b = {shift})"
    offset = [int(n) for n in np.atleast_1d(-shift)]
    cropped: Top = layers.Crop(top_from, top_to, crop_param={"axis": (1 if axis is None else axis) + 1,
                                                             "offset": offset})  # fmt: skip
    return cropped


def _sources(top: Top) -> Iterator[tuple[Top, Map]]:
    """The blob itself and those it comes from, nearest first, each with the map from there to here."""
    maps, waiting = {top: IDENTITY}, deque([top])
    while waiting:
        current = waiting.popleft()
        yield current, maps[current]
        try:
            here = coord_map(current.fn)
        except UndefinedMapException:
            continue
        for bottom in current.fn.inputs[:1] if current.fn.type_name == "Crop" else current.fn.inputs:
            if bottom not in maps:
                maps[bottom] = compose(maps[current], here)
                waiting.append(bottom)
