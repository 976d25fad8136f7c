"""The pictures of an evaluation."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from caffe_lite.evaluation.roc import roc
from caffe_lite.report.colors import COLORS, EDGE
from caffe_lite.report.figure import figure
from caffe_lite.starting.photos import Photos

Array = np.ndarray[Any, Any]
Path = str | os.PathLike[str]
SAME, DIFFERENT = COLORS[0], COLORS[1]
WRONG = "#D55E00"
_BINS = 60
Pairs = tuple[Array, Array]


def draw_distances(path: Path, train: Pairs, test: Pairs, threshold: float, title: str) -> None:
    """How far apart the pairs of both kinds lie: the test pairs filled, the train pairs as lines.

    Args:
        train, test: distances and whether the pair is of the same class.
    """
    with figure(path, 9, 5, title) as chart:
        axes = chart.subplots()
        edges = np.linspace(0, max(float(part[0].max()) for part in (train, test)), _BINS + 1)
        for kind, color, name in ((True, SAME, "same class"), (False, DIFFERENT, "two classes")):
            for (distances, same), style in (
                (test, {"histtype": "stepfilled", "alpha": 0.55, "label": f"{name}, test"}),
                (train, {"histtype": "step", "linewidth": 1.4, "label": f"{name}, train"}),
            ):
                chosen = distances[same == kind]
                weights = np.full(len(chosen), 100 / max(len(chosen), 1))
                axes.hist(chosen, edges, weights=weights, color=color, **style)
        axes.axvline(threshold, color=EDGE, linestyle="--", linewidth=1.4, label=f"threshold {threshold:.3f}")
        axes.set_xlim(0, edges[-1])
        axes.set_xlabel("distance of the two images of a pair")
        axes.set_ylabel("% of the pairs of a kind")
        axes.legend(fontsize=9)


def draw_roc(path: Path, train: Pairs, test: Pairs, threshold: float, title: str) -> None:
    """What share of the pairs of the same class is found, for each share of the others that is taken for such."""
    with figure(path, 6, 6.2, title) as chart:
        axes = chart.subplots()
        axes.plot([0, 1], [0, 1], color=EDGE, linestyle=":", linewidth=1, label="by chance, area 0.5")
        for (distances, same), name, style in (
            (train, "train", {"color": COLORS[7], "linewidth": 1.2}),
            (test, "test", {"color": COLORS[2], "linewidth": 2}),
        ):
            curve = roc(distances, same)
            axes.plot(curve.false_positives, curve.true_positives, label=f"{name}, area {curve.area:.4f}", **style)
            at = [float(np.mean(distances[same == kind] < threshold)) for kind in (False, True)]
            axes.plot(*at, marker="o", markersize=7, color=style["color"], linestyle="")
        axes.set_aspect("equal")
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set_xlabel("share of the pairs of two classes that are taken for the same")
        axes.set_ylabel("share of the pairs of the same class that are taken for the same")
        axes.plot([], [], marker="o", markersize=7, color=EDGE, linestyle="", label=f"at threshold {threshold:.3f}")
        axes.legend(fontsize=9, loc="lower right")


def draw_neighbours(path: Path, photos: Photos, asked: Array, nearest: Array, title: str) -> None:
    """Images, and to the right of each those that lie nearest, nearest first; those of another class in a frame.

    Args:
        asked: indices of the images on the left.
        nearest: indices of the nearest others of every image, shape (images, shown).
    """
    shown = nearest.shape[1]
    cell = 0.85  # inches
    with figure(path, max(cell * (shown + 3.2), 5.5), cell * len(asked) + 1, title) as chart:
        grid = chart.subplots(len(asked), shown + 2, squeeze=False,
                              gridspec_kw={"width_ratios": [1, 0.25, *[1] * shown]})
        chart.get_layout_engine().set(w_pad=0.03, h_pad=0.04, wspace=0, hspace=0)
        for row, query in zip(grid, asked, strict=True):
            name = photos.classes[photos.labels[query]][:24]
            row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
            for axes, image in zip(row[[0, *range(2, shown + 2)]], (query, *nearest[query]), strict=True):
                _show(axes, photos.pixels[image], photos.labels[image] != photos.labels[query])
            row[1].set_axis_off()
        grid[0, 0].set_title("image", fontsize=10)
        above = grid[0, 2].text(0, 1.06, "nearest others, nearest first", fontsize=10, transform=grid[0, 2].transAxes)
        above.set_in_layout(False)  # it is wider than its image
        chart.supxlabel("in a frame: of another class", fontsize=10)


def _show(axes: Any, pixels: Array, framed: bool) -> None:
    picture = pixels[0] if len(pixels) == 1 else pixels[::-1].transpose(1, 2, 0)
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=framed, color=WRONG, linewidth=3.5)
