"""All files of a starting folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.files import atomic_write
from caffe_lite.rng import Rng
from caffe_lite.sources.mean import write_mean
from caffe_lite.starting import autoencoder, lenet, siamese
from caffe_lite.starting.databases import write_images, write_pairs
from caffe_lite.starting.kit import Kit
from caffe_lite.starting.layout import README, SOLVER, Layout
from caffe_lite.starting.pairs import balanced_pairs, tutorial_pairs
from caffe_lite.starting.photos import Photos
from caffe_lite.starting.readme import readme

MODELS: dict[str, Any] = {"siamese": siamese, "lenet": lenet, "autoencoder": autoencoder}
PAIRS = {"balanced": balanced_pairs, "tutorial": tutorial_pairs}
_PAIRS = 10_000  # of few images; of more as many as there are
_PAIRS_AN_IMAGE = 20


def stored_size(model: str, size: int) -> int:
    """How large one's own images are stored, so that the net sees ``size`` pixels of them, cut here or there."""
    return size if model == "autoencoder" else size + size // 8


def fill(folder: Path, layout: Layout, model: str, train: Photos, test: Photos, *, size: int, own: bool, pairs: str,
         rng: Rng, origin: str, progress: Callable[[int], AbstractContextManager[Any]]) -> Kit:
    """Write databases, prototxts and the README.

    Args:
        folder: where.
        layout: under which names.
        size: of the images that the net sees.
        own: the images are one's own; MNIST's are treated as Caffe's tutorials treat them.
        pairs: how they are drawn, one of ``PAIRS``.
        origin: where the images come from, for the README.
        progress: shows how many of so many records are written.

    Raises:
        DataError: the images cannot be paired.
        DependencyError: the package that writes the databases is not installed.
        OSError: the disk is full, or the like.
    """
    items = [len(train), len(test)]
    drawn = []
    if model == "siamese":
        items = [_train_pairs(len(train)), _test_pairs(len(test))]
        drawn = [PAIRS[pairs](photos.labels, count, rng) for photos, count in zip((train, test), items, strict=True)]
    means = () if not own or model == "autoencoder" else _means(train)
    rules = MODELS[model]
    kit = Kit(layout, train.pixels.shape[1], size, len(train.classes), means, own and model != "autoencoder",
              rules.fitting(*items) if own else rules.MNIST, *items)
    with progress(len(train) + len(test) + sum(map(len, drawn))) as bar:
        for part, photos in (("train", train), ("test", test)):
            write_images(folder / layout.images(part), layout.backend, photos, bar.update)
        for part, photos, chosen in zip(("train", "test"), (train, test), drawn, strict=False):
            write_pairs(folder / layout.pairs(part), layout.backend, photos, chosen, bar.update)
    if means:
        write_mean(folder / layout.mean, train.pixels.mean(axis=0, dtype=np.float64).astype(np.float32))
    texts = {
        layout.train_test: rules.train_test(kit),
        layout.deploy: rules.deploy(kit),
        SOLVER: rules.solver(kit),
        layout.classes: "".join(f"{name}\n" for name in train.classes),
        README: readme(kit, model, train, test, pairs, origin),
    }
    for name, text in texts.items():
        with atomic_write(folder / name) as file:
            file.write(text.encode(errors="surrogateescape"))
    return kit


def _train_pairs(images: int) -> int:
    return max(images, min(_PAIRS, _PAIRS_AN_IMAGE * images))


def _test_pairs(images: int) -> int:
    """Full hundreds, so that batches of a hundred cover them exactly once."""
    return min(_PAIRS, -(-_PAIRS_AN_IMAGE * images // 100) * 100)


def _means(photos: Photos) -> tuple[float, ...]:
    return tuple(photos.pixels.mean(axis=(0, 2, 3), dtype=np.float64).tolist())
