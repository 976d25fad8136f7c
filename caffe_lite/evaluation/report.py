"""The numbers of an evaluation, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from caffe_lite.evaluation.roc import roc, scores

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class PairNumbers:
    """Of the pairs of one phase.

    Attributes:
        pairs: how many; ``of_same_class``: the share that is of the same class.
        mean_distance_same, mean_distance_different: of the two kinds.
        roc_area: under the ROC curve.
        accuracy: of calling those nearer than the threshold the same.
        same_right, different_right: the shares of each kind that are then called what they are.
        accuracy_without_looking: of calling all of them the more frequent kind.
    """

    pairs: int
    of_same_class: float
    mean_distance_same: float
    mean_distance_different: float
    roc_area: float
    accuracy: float
    same_right: float
    different_right: float
    accuracy_without_looking: float


@dataclass(frozen=True)
class ImageNumbers:
    """Of single images.

    Attributes:
        images, classes: how many.
        nearest_right: the share of images whose nearest other one is of their class.
        neighbours_right: the share whose class most of the ``neighbours`` nearest others name.
        by_class: ``nearest_right`` of each class.
    """

    images: int
    classes: int
    nearest_right: float
    neighbours: int
    neighbours_right: float
    by_class: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """All of it. The threshold was chosen on the train pairs."""

    net: str
    weights: str
    threshold: float
    train: PairNumbers
    test: PairNumbers
    data: str = ""
    images: ImageNumbers | None = None

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def as_text(self) -> str:
        rows = [
            ("pairs", *(f"{part.pairs:,}" for part in self._parts)),
            ("  of the same class", *_percents(self._parts, "of_same_class")),
            ("mean distance, same class", *(f"{part.mean_distance_same:.4f}" for part in self._parts)),
            ("mean distance, two classes", *(f"{part.mean_distance_different:.4f}" for part in self._parts)),
            ("area under the ROC curve", *(f"{part.roc_area:.4f}" for part in self._parts)),
            (f"right at threshold {self.threshold:.4f}", *_percents(self._parts, "accuracy")),
            ("  of the same class", *_percents(self._parts, "same_right")),
            ("  of two classes", *_percents(self._parts, "different_right")),
            ("right without looking", *_percents(self._parts, "accuracy_without_looking")),
        ]
        text = f"{self.net} with {self.weights}\n\n{'':28} {'train':>9} {'test':>9}\n"
        text += "".join(f"{name:28} {first:>9} {second:>9}\n" for name, first, second in rows)
        text += "\nThe threshold is the best for the train pairs; the test pairs had no say.\n"
        if self.images is None:
            return text
        found = self.images
        text += f"\n{found.images:,} images of {found.classes} classes, {self.data}\n\n"
        text += f"{'nearest other is of the class':38} {_percent(found.nearest_right):>9}\n"
        text += f"{f'{found.neighbours} nearest others name the class':38} {_percent(found.neighbours_right):>9}\n"
        text += "nearest other is of the class, for\n"
        return text + "".join(f"  {name[:36]:36} {_percent(share):>9}\n" for name, share in found.by_class.items())

    @property
    def _parts(self) -> tuple[PairNumbers, PairNumbers]:
        return self.train, self.test


def pair_numbers(distances: Array, same: Array, threshold: float) -> PairNumbers:
    """What there is to say of pairs at these distances."""
    told = scores(distances, same, threshold)
    share = float(same.mean())
    near, far = (float(distances[kind].mean(dtype=np.float64)) for kind in (same, ~same))
    return PairNumbers(len(same), share, near, far, roc(distances, same).area, told.accuracy, told.same, told.different,
                       max(share, 1 - share))


def image_numbers(labels: Array, nearest: Array, classes: tuple[str, ...], voters: int, voted: float) -> ImageNumbers:
    """What there is to say of images.

    Args:
        nearest: indices of the nearest others, nearest first, shape (images, any).
        voters, voted: how many neighbours voted, and the share of images that they named right.
    """
    right = labels[nearest[:, 0]] == labels
    by_class = {classes[label]: float(right[labels == label].mean()) for label in np.unique(labels)}
    return ImageNumbers(len(labels), len(by_class), float(right.mean()), voters, voted, by_class)


def _percents(parts: tuple[PairNumbers, PairNumbers], name: str) -> list[str]:
    return [_percent(getattr(part, name)) for part in parts]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
