"""What a layer has learned, as a picture: its filters, or the matrix of an inner product."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import GraphError, ShapeError
from caffe_lite.report.colors import SIGNED
from caffe_lite.report.figure import figure
from caffe_lite.report.tiles import colored, largest, tile

if TYPE_CHECKING:
    from caffe_lite.layers import Layer
    from caffe_lite.net import Net

MOST = 32
"""Filters, and channels of each, that are shown where each channel is a picture of its own."""


def layer_of(net: Net, name: str) -> Layer:
    """The layer of a name; without one the first that has weights of a picture's shape, or any.

    Raises:
        GraphError: there is no such layer, or it has no weights.
    """
    weighted = [layer for layer in net.layers if layer.blobs and len(layer.blobs[0].shape) > 1]
    for layer in sorted(weighted, key=lambda layer: len(layer.blobs[0].shape) < 4):
        if name in ("", layer.name):
            return layer
    known = ", ".join(layer.name for layer in weighted) or "none"
    raise GraphError(f"--layer={name}: no layer with filters of this name in {net.name!r}; those with filters: {known}")


def draw_filters(net: Net, name: str, path: str | os.PathLike[str]) -> None:
    """Draw a layer's filters.

    Those that look at colours are shown in colour, grey being zero. Others show each weight from blue, below zero,
    to red; where filters look at several channels a row is a filter and a column a channel.

    Args:
        name: the layer's, or nothing for the first that has filters.
        path: the picture; its ending is one of ``figure.FORMATS``.

    Raises:
        GraphError: there is no such layer.
        ShapeError: its weights have more than four axes.
        ParameterError: another ending.
    """
    layer = layer_of(net, name)
    weights, what = _pictures(net, layer)
    limit = largest(weights)
    if weights.ndim == 4 and weights.shape[1] == 3:
        sheet = tile(colored(weights), fill=1.0)
    elif weights.ndim == 4 and weights.shape[1] == 1:
        sheet = tile(weights[:, 0])
    elif weights.ndim == 4:
        shown = weights[:MOST, :MOST]
        sheet = tile(shown.reshape(-1, *shown.shape[2:]), columns=shown.shape[1])
        if shown.shape != weights.shape:
            what += f", the first {len(shown)} and {shown.shape[1]} channels of each"
    else:
        sheet = weights
    height, width = sheet.shape[:2]
    wide = float(np.clip(7 * np.sqrt(width / height), 3.5, 11))
    high = float(np.clip(wide * height / width, 1.5, 12))
    with figure(path, wide + 1.4, high + 0.7, f"{net.name} {layer.name}: {what}") as chart:
        axes = chart.subplots()
        long = max(height / width, width / height) > 5
        image = axes.imshow(sheet, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest",
                            aspect="auto" if long else "equal")
        axes.grid(visible=False)
        if weights.ndim == 2:
            axes.set(xlabel="input", ylabel="output")
            for axis in (axes.xaxis, axes.yaxis):
                axis.get_major_locator().set_params(integer=True)
        else:
            axes.set_axis_off()
        if sheet.ndim == 2:
            chart.colorbar(image, ax=axes, label="weight", shrink=0.8, aspect=30)


def _pictures(net: Net, layer: Layer) -> tuple[Array, str]:
    """The weights as they are shown, and what they are; those of an inner product over images are images."""
    weights = layer.blobs[0].data
    if weights.ndim == 4:
        count, channels, height, width = weights.shape
        of = "" if channels in (1, 3) else f" of {channels} channels"
        return weights, f"{count} filters{of}, {height} × {width}"
    if weights.ndim != 2:
        raise ShapeError(f"layer {layer.name!r} ({layer.type}): weights with 2 or 4 axes are drawn, found the shape "
                         f"{weights.shape}; give another --layer")
    seen = net.bottoms[net.layers.index(layer)][0].shape
    over_images = layer.type == "InnerProduct" and len(seen) == 4 and seen[1] in (1, 3)
    if over_images and not layer.param.inner_product_param.transpose:
        return weights.reshape(-1, *seen[1:]), f"{len(weights)} outputs, each over {seen[2]} × {seen[3]} pixels"
    return weights, "weights of shape " + " × ".join(map(str, weights.shape))

