"""What a layer makes of one image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import GraphError, ShapeError
from caffe_lite.report.colors import COLORS, EVEN, SIGNED
from caffe_lite.report.figure import figure
from caffe_lite.report.tiles import largest, tile

if TYPE_CHECKING:
    from caffe_lite.net import Net

MOST = 256
"""Channels that are shown."""


def activations(net: Net, image: Array, name: str = "") -> tuple[str, Array]:
    """Run the net on one image.

    Args:
        net: a net with one input of images.
        image: shape (channels, height, width), as the net takes it.
        name: a layer or a blob; by default the first layer with filters.

    Returns:
        The blob's name, and its values for the image.

    Raises:
        GraphError: the net has not one input, or no such layer or blob.
        ShapeError: the net takes images of another shape.
    """
    (entrance,) = inputs_of(net)
    blob = net.blobs[entrance]
    if tuple(blob.shape[1:]) != image.shape:
        raise ShapeError(f"the net's input {entrance!r} takes images of shape {tuple(blob.shape[1:])}, this has "
                         f"{image.shape}")
    shown = _blob_of(net, name)
    blob.reshape((1, *image.shape))
    net.reshape()
    blob.data[0] = image
    net.forward()
    return shown, net.blobs[shown].data[0].copy()


def inputs_of(net: Net) -> list[str]:
    """The net's one input of images.

    Raises:
        GraphError: it has another number of inputs, or none of this shape.
    """
    if len(net.inputs) != 1 or len(net.blobs[net.inputs[0]].shape) != 4:
        raise GraphError(f"a net with one input of images is needed, such as a deploy.prototxt; {net.name!r} has the "
                         f"inputs {net.inputs or 'none'}")
    return net.inputs


def _blob_of(net: Net, name: str) -> str:
    """The blob of this name, or the last top of the layer."""
    if not name:
        for layer in net.layers:
            if layer.type == "Convolution":
                return str(layer.param.top[0])
        return str(net.layers[-1].param.top[0])
    if name in net.blobs:
        return name
    if name in net.layer_names:
        return net.top_names[net.layer_names.index(name)][0]
    raise GraphError(f"--layer={name}: {net.name!r} has no such layer or blob; its layers: "
                     f"{', '.join(net.layer_names)}")


def draw_activations(net: Net, name: str, image: Array, values: Array, path: str | os.PathLike[str]) -> None:
    """Draw an image beside what a layer made of it, a picture for each channel, or a bar for each number.

    Args:
        name: the blob's.
        image: shape (channels, height, width), blue first.
        values: shape (channels, height, width), or any other.
        path: the picture; its ending is one of ``figure.FORMATS``.

    Raises:
        ParameterError: another ending.
    """
    maps = values.ndim == 3 and min(values.shape[1:]) > 1
    if maps:
        channels, height, width = values.shape
        what = f"{channels} channels, {height} × {width}" + (f", the first {MOST}" if channels > MOST else "")
    else:
        what = f"{values.size} values"
    with figure(path, 11, 6, f"{net.name} {name}: {what}") as chart:
        left, right = chart.subplots(1, 2, width_ratios=(1, 3 if maps else 2))
        _picture(left, image)
        if maps:
            _maps(chart, right, values[:MOST])
        else:
            _bars(right, values.reshape(-1))


def _picture(axes: Any, image: Array) -> None:
    low, high = float(image.min()), float(image.max())
    pixels = (image - low) / ((high - low) or 1)
    if len(pixels) == 3:
        axes.imshow(pixels[::-1].transpose(1, 2, 0))
    else:
        axes.imshow(pixels[0], cmap="gray")
    axes.set_title("input", fontsize=11)
    axes.set_axis_off()


def _maps(chart: Any, axes: Any, values: Array) -> None:
    signed = bool(values.min() < 0)
    limit = largest(values)
    shown = axes.imshow(tile(values), cmap=SIGNED if signed else EVEN, vmin=-limit if signed else 0, vmax=limit,
                        interpolation="nearest")
    axes.set_axis_off()
    chart.colorbar(shown, ax=axes, label="activation", shrink=0.8, aspect=30)


def _bars(axes: Any, values: Array) -> None:
    axes.bar(np.arange(len(values)), values, color=COLORS[0], width=0.8 if len(values) < 200 else 1.0)
    axes.set(xlabel="number", ylabel="activation")
    axes.margins(x=0.01)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(visible=False, axis="x")
