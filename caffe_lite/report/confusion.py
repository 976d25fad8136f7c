"""Which classes a net takes for which: counted over its test data, and drawn."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.report.colors import COLORS, INK, PAPER
from caffe_lite.report.figure import figure
from caffe_lite.report.labels import classes_of

if TYPE_CHECKING:
    from caffe_lite.net import Net

WRITTEN, NAMED = 20, 60
"""Up to so many classes have their counts written into the matrix; up to so many have their names beside it."""


def count_confusion(net: Net, batches: int, done: Callable[[], object] = lambda: None) -> Array:
    """Count labels and what the net takes the items for over batches of its data.

    Of equal scores the first class counts. Labels that are to be ignored do not.

    Args:
        net: a net in its TEST phase, with data.
        done: called after each batch.

    Returns:
        Counts of shape (classes, classes): ``[i, j]`` of items with label i that were taken for j.

    Raises:
        GraphError: no layer of the net compares scores with labels.
        DataError: a label is none of the classes; the layer that compares says so.
    """
    names = classes_of(net)
    classes = net.blobs[names.scores].shape[names.axis]
    counts = np.zeros(classes * classes, np.int64)
    for _ in range(batches):
        net.forward()
        found = net.blobs[names.scores].data.argmax(axis=names.axis).reshape(-1)
        labels = net.blobs[names.label].data.reshape(-1).astype(np.int64)
        kept = labels != names.ignored
        counts += np.bincount(labels[kept] * classes + found[kept], minlength=classes * classes)
        done()
    return counts.reshape(classes, classes)


def class_accuracies(counts: Array) -> Array:
    """The share of each class that was recognised, NaN where there was none of it."""
    with np.errstate(invalid="ignore"):
        shares: Array = counts.diagonal() / counts.sum(axis=1)
    return shares


def draw_confusion(counts: Array, names: Sequence[str], path: str | os.PathLike[str], title: str) -> None:
    """Draw the matrix, in shares of each label, and beside it the share of each label that was recognised.

    Args:
        counts: of ``count_confusion``.
        names: of the classes.
        path: the picture; its ending is one of ``figure.FORMATS``.

    Raises:
        ParameterError: another ending.
    """
    classes = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    accuracies = class_accuracies(counts)
    size = float(np.clip(0.42 * classes, 4.5, 9))
    head = ["class", "items", "recognised", "most often taken for"]
    rows = [head, *(_row(counts, names, i, accuracies) for i in range(classes))]
    with figure(path, size + 4, size + 1, title, rows) as chart:
        matrix, bars = chart.subplots(1, 2, width_ratios=(size, 2), sharey=True)
        image = matrix.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        matrix.set(xlabel="taken for", ylabel="label")
        matrix.grid(visible=False)
        if classes <= NAMED:
            small = 9 if classes <= 30 else 6
            turned = 90 if max(map(len, names)) > 3 else 0
            matrix.set_xticks(range(classes), names, rotation=turned, fontsize=small)
            matrix.set_yticks(range(classes), names, fontsize=small)
        if classes <= WRITTEN:
            _write(matrix, counts, shares)
        bars.barh(range(classes), accuracies, color=COLORS[0], height=0.8 if classes <= NAMED else 1.0)
        bars.tick_params(left=False, labelleft=False)
        bars.set(xlim=(0, 1), xlabel="recognised")
        bars.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
        bars.set_xticks([0, 0.5, 1])
        bars.grid(visible=False, axis="y")
        if classes <= WRITTEN:
            for i, share in enumerate(accuracies):
                text = f"{100 * share:.1f} %" if np.isfinite(share) else "none"
                inside = np.isfinite(share) and share > 0.5
                bars.text(0.04, i, text, va="center", fontsize=8, color=PAPER if inside else INK)
        chart.colorbar(image, ax=bars, label="share of the label's items", aspect=30)


def _write(axes: Any, counts: Array, shares: Array) -> None:
    for (i, j), count in np.ndenumerate(counts):
        if count:
            axes.text(j, i, f"{count:,}", ha="center", va="center", fontsize=8 if count < 1000 else 7,
                      color="#FDFDFD" if shares[i, j] > 0.55 else "#1A1A1A")


def _row(counts: Array, names: Sequence[str], i: int, accuracies: Array) -> list[str]:
    others = counts[i].copy()
    others[i] = 0
    worst = int(others.argmax())
    share = f"{100 * accuracies[i]:.2f} %" if np.isfinite(accuracies[i]) else ""
    return [names[i], f"{counts[i].sum():,}", share, f"{names[worst]} ({others[worst]:,})" if others[worst] else ""]
