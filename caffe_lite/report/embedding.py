"""What a siamese net has learned: the features of labelled images as points in the plane.

Source: the notebook of Caffe's siamese tutorial, ``examples/siamese/mnist_siamese.ipynb``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import ShapeError
from caffe_lite.report.figure import figure

# ten colours that stay apart on white and for most colour-blind eyes when their digits stand on them
COLORS = (
    "#1F77B4",
    "#FF7F0E",
    "#2CA02C",
    "#D62728",
    "#9467BD",
    "#8C564B",
    "#E377C2",
    "#6B6B6B",
    "#B5B000",
    "#17BECF",
)


def features(
    net: Any,
    images: Array,
    blob: str = "feat",
    scale: float = 1 / 256,
    batch: int = 500,
    done: Callable[[int], None] = lambda count: None,
) -> Array:
    """The values that a net without labels gives ``blob`` for each image.

    Args:
        net: a ``caffe_lite.net.Net`` whose one input takes images.
        images: shape (count, height, width), of any number type.
        scale: what pixels are multiplied by, as in training.
        done: told after each batch how many images that was.

    Returns:
        An array of shape (count, numbers in ``blob`` for one image).

    Raises:
        ShapeError: the net has not one input, or no such blob, or takes images of another size.
    """
    if len(net.inputs) != 1:
        raise ShapeError(f"the net has the inputs {net.inputs}; an embedding needs one, the images")
    if blob not in net.blobs:
        raise ShapeError(f"the net has no blob {blob!r}; it has {', '.join(net.blobs)}")
    data = net.blobs[net.inputs[0]]
    one = (1, *images.shape[1:])
    if tuple(data.shape[1:]) != one:
        raise ShapeError(
            f"the net's input {net.inputs[0]!r} takes images of shape {tuple(data.shape[1:])}, these have {one}"
        )
    found = []
    for begin in range(0, len(images), batch):
        part = images[begin : begin + batch]
        if data.shape[0] != len(part):
            data.reshape((len(part), *one))
            net.reshape()
        np.multiply(part[:, None], scale, out=data.data, casting="unsafe")
        net.forward()
        found.append(net.blobs[blob].data.reshape(len(part), -1).copy())
        done(len(part))
    return np.concatenate(found) if found else np.empty((0, 0), np.float32)


def blob_features(
    net: Any, blob: str, label: str, batches: int, done: Callable[[], object] = lambda: None
) -> tuple[Array, Array]:
    """The values of ``blob`` and of ``label`` for the items of a net's own data.

    Returns:
        Arrays of shape (count, numbers in ``blob`` for one item) and (count,).

    Raises:
        ShapeError: the net has no such blob, or ``label`` has not one number for each item of ``blob``.
    """
    for name in (blob, label):
        if name not in net.blobs:
            raise ShapeError(f"the net has no blob {name!r}; it has {', '.join(net.blobs)}")
    points, labels = [], []
    for _ in range(batches):
        net.forward()
        values = net.blobs[blob].data
        if net.blobs[label].count != len(values):
            raise ShapeError(f"an embedding needs one label for each point: blob {blob!r} has {len(values)} items, "
                             f"{label!r} has {net.blobs[label].count} numbers")
        points.append(values.reshape(len(values), -1).copy())
        labels.append(net.blobs[label].data.reshape(-1).astype(np.int64))
        done()
    return np.concatenate(points), np.concatenate(labels)


def in_plane(points: Array) -> tuple[Array, float]:
    """Points of any dimension along the two directions in which they differ most, and the share of their variance that
    these hold; points of a plane as they are.

    Source: Pearson, On lines and planes of closest fit (1901).
    """
    if points.shape[1] == 2:
        return points, 1.0
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    plane = centred @ directions[:, : -3 : -1]
    if plane.shape[1] == 1:
        plane = np.column_stack([plane, np.zeros(len(plane))])
    return plane, float(variances[-2:].sum() / (variances.sum() or 1.0))


def draw_embedding(points: Array, labels: Array, path: str | os.PathLike[str], title: str = "",
                   names: Sequence[str] = ()) -> None:
    """Draw points of the plane, coloured by label, each label written over the middle of its own.

    Args:
        points: shape (count, 2).
        labels: ``count`` integers from 0 up.
        path: the picture; its ending is one of ``figure.FORMATS``.
        names: of the labels 0, 1, ...; by default their numbers.

    Raises:
        ShapeError: the points are not two-dimensional.
        ParameterError: an unknown ending.
    """
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels):
        raise ShapeError(
            f"an embedding is drawn from labelled points of shape (count, 2); "
            f"found points {points.shape} and {len(labels)} labels"
        )
    called = names or {label: str(label) for label in np.unique(labels)}
    with figure(path, 10.5, 8, title) as chart:
        from matplotlib import patheffects
        from matplotlib.lines import Line2D

        axes = chart.subplots()
        colors = np.array(COLORS)[labels % len(COLORS)]
        mixed = np.random.default_rng(0).permutation(len(points))  # or the last class would hide the others
        size = float(np.clip(60_000 / max(len(points), 1), 4, 40))
        axes.scatter(*points[mixed].T, s=size, c=colors[mixed], alpha=0.7, linewidths=0, rasterized=True)
        for label in np.unique(labels):
            text = axes.text(
                *np.median(points[labels == label], axis=0),
                called[label],
                fontsize=17,
                weight="bold",
                ha="center",
                va="center",
            )
            text.set_path_effects([patheffects.withStroke(linewidth=4, foreground="white")])
        handles = [
            Line2D([], [], linestyle="", marker="o", color=COLORS[label % len(COLORS)], label=called[label])
            for label in np.unique(labels)
        ]
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=11)
        axes.set_aspect("equal", adjustable="datalim")  # it is distances that were learned
