"""Features of images as a picture, and how well neighbours agree."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.blob import Blob
from caffe_lite.errors import ShapeError
from caffe_lite.report.embedding import draw_embedding, features
from caffe_lite.report.neighbours import neighbour_accuracy


class Halves:
    """A net that gives the sums of the upper and the lower half of each image."""

    def __init__(self, shape: tuple[int, ...] = (7, 1, 4, 3)) -> None:
        self.inputs = ["data"]
        self.blobs = {"data": Blob(shape), "feat": Blob((shape[0], 2))}
        self.batches: list[int] = []

    def reshape(self) -> None:
        self.blobs["feat"].reshape((self.blobs["data"].shape[0], 2))

    def forward(self) -> None:
        data = self.blobs["data"].data
        assert len(data) == len(self.blobs["feat"].data)
        self.batches.append(len(data))
        self.blobs["feat"].data[...] = data.reshape(len(data), 2, -1).sum(axis=2)


def test_features_in_batches() -> None:
    images = np.random.default_rng(1).integers(0, 256, (20, 4, 3), dtype=np.uint8)
    done: list[int] = []
    net = Halves()
    found = features(net, images, scale=1 / 256, batch=7, done=done.append)
    assert net.batches == done == [7, 7, 6]
    np.testing.assert_allclose(found, images.reshape(20, 2, 6).sum(axis=2) / 256, rtol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blob": "fete"}, "no blob 'fete'; it has data, feat"),
        ({"images": np.zeros((3, 5, 3), np.uint8)}, r"shape \(1, 4, 3\), these have \(1, 5, 3\)"),
        ({"net": SimpleNamespace(inputs=["a", "b"], blobs={})}, r"inputs \['a', 'b'\]"),
    ],
)
def test_a_net_that_does_not_fit(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"net": Halves(), "images": np.zeros((3, 4, 3), np.uint8)}
    with pytest.raises(ShapeError, match=message):
        features(**arguments | change)


def by_hand(points: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], neighbours: int) -> float:
    right = 0
    for i, point in enumerate(points):
        others = [j for j in range(len(points)) if j != i]
        others.sort(key=lambda j: float(((points[j] - point) ** 2).sum()))
        votes = np.bincount(labels[others[:neighbours]])
        right += int(votes.argmax()) == labels[i]
    return right / len(points)


@given(st.integers(12, 40), st.integers(1, 11), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_neighbours_against_a_plain_count(count: int, neighbours: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(count, 2))
    labels = random.integers(0, classes, count).astype(np.uint8)
    assert neighbour_accuracy(points, labels, neighbours) == by_hand(points, labels, neighbours)


def test_neighbours_of_clusters() -> None:
    labels = np.repeat(np.arange(10), 130)  # more than one block of rows
    points = np.stack([labels * 5.0, labels % 3], axis=1) + np.random.default_rng(2).uniform(0, 1, (1300, 2))
    assert neighbour_accuracy(points.astype(np.float32), labels) == 1.0
    assert neighbour_accuracy(points, np.arange(1300) % 10) < 0.3


def test_too_few_points() -> None:
    with pytest.raises(ShapeError, match=r"10 neighbours.*found 10 points and 10 labels"):
        neighbour_accuracy(np.zeros((10, 2)), np.zeros(10, np.int64))
    with pytest.raises(ShapeError, match="found 30 points and 31 labels"):
        neighbour_accuracy(np.zeros((30, 2)), np.zeros(31, np.int64))


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture(tmp_path: Path, ending: str) -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 12, 300)  # more classes than colours
    draw_embedding(random.normal(size=(300, 2)), labels, tmp_path / f"x.{ending}", "a $ title")
    assert (tmp_path / f"x.{ending}").stat().st_size > 10_000


def test_points_that_are_not_in_the_plane(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"found points \(4, 3\) and 4 labels"):
        draw_embedding(np.zeros((4, 3)), np.zeros(4, np.int64), tmp_path / "x.png")
    assert not list(tmp_path.iterdir())
