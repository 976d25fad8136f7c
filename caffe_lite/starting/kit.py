"""What a model's files are made from."""

from __future__ import annotations

from dataclasses import dataclass

from caffe_lite.starting.layout import Layout
from caffe_lite.starting.plan import Plan


@dataclass(frozen=True)
class Kit:
    """What is known when the prototxts are written.

    Attributes:
        layout: the names of the files.
        channels, size: of the images that the net sees, ``size`` x ``size`` pixels.
        classes: how many there are.
        mean: what is subtracted from each channel; empty for nothing.
        crops: images are stored larger, and cut to ``size``; in training at random places, and mirrored at random.
        plan: batches and iterations.
        train, test: how many items are learned from, and tested with.
    """

    layout: Layout
    channels: int
    size: int
    classes: int
    mean: tuple[float, ...]
    crops: bool
    plan: Plan
    train: int
    test: int
