"""A training in TensorBoard's files: scalars, the filters that look at the data, an embedding of the test data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import GraphError
from caffe_lite.optional import need
from caffe_lite.report.labels import label_of
from caffe_lite.report.tiles import colored, largest, tile
from caffe_lite.solvers.watching import Outputs, Shown, Tested, Watcher

if TYPE_CHECKING:
    from caffe_lite.net import Net
    from caffe_lite.solvers import Solver

EMBEDDING = "feat"
POINTS = 1000
"""Of an embedding; TensorBoard draws each one's picture."""


@contextmanager
def tensorboard(folder: str | os.PathLike[str], solver: Solver, blob: str = "") -> Iterator[Watcher]:
    """Write what happens in the block into a folder, for ``tensorboard --logdir=FOLDER``.

    Filters, and the embedding of what the first test net has last computed, are written at each snapshot and at
    the end.

    Args:
        blob: whose values are the embedding's points; by default ``feat``, where there is one.

    Raises:
        DependencyError: tensorboardX is not installed.
        GraphError: the first test net has no such blob.
        OSError: the folder cannot be written to.
    """
    if blob and not (solver.test_nets and blob in solver.test_nets[0].blobs):
        known = ", ".join(solver.test_nets[0].blobs) if solver.test_nets else "none, as there is no test net"
        raise GraphError(f"the embedding is of the first test net's blobs: expected one of {known}; found {blob!r}")
    os.makedirs(folder, exist_ok=True)
    tensorboardx = need("tensorboardX", "tensorboard", "--tensorboard")
    with tensorboardx.SummaryWriter(os.fspath(folder), purge_step=solver.iter or None) as writer:
        watcher = _TensorBoard(writer, blob or EMBEDDING)
        watcher.pictures(solver)
        yield watcher
        watcher.pictures(solver)


class _TensorBoard(Watcher):
    def __init__(self, writer: Any, blob: str) -> None:
        self._writer, self._blob = writer, blob
        self._points: list[Array] = []
        self._labels: list[Array] = []
        self._images: list[Array] = []
        self._written = -1

    def on_display(self, solver: Solver, shown: Shown) -> None:
        self._scalar("train/loss", shown.loss, shown.iteration)
        self._outputs("train/output_", shown.outputs, shown.iteration)
        for name, value in (("learning_rate", shown.rate), ("iterations_per_second", shown.speed)):
            if value is not None:
                self._scalar(f"train/{name}", value, shown.iteration)

    def on_test(self, solver: Solver, tested: Tested) -> None:
        self._outputs("test/" if tested.net == 0 else f"test_{tested.net}/", tested.outputs, tested.iteration)
        self._writer.flush()

    def on_test_batch(self, solver: Solver, net: int, batch: int) -> None:
        if net != 0 or self._blob not in solver.test_nets[0].blobs:
            return
        if batch == 0:
            self._points, self._labels, self._images = [], [], []
        if sum(map(len, self._points)) < POINTS:
            self._collect(solver.test_nets[0])

    def on_snapshot(self, solver: Solver, state: str) -> None:
        self.pictures(solver)

    def pictures(self, solver: Solver) -> None:
        """Write the filters and the embedding, once an iteration."""
        if self._written == solver.iter:
            return
        self._written = solver.iter
        for layer in solver.net.layers:
            if layer.type == "Convolution" and _are_pictures(filters := layer.blobs[0].data):
                self._writer.add_image(f"filters/{layer.name}", _picture(filters), solver.iter, dataformats="HWC")
        if self._points:
            self._embedding(solver.iter)
        self._writer.flush()

    def _collect(self, net: Net) -> None:
        values = net.blobs[self._blob].data
        self._points.append(values.reshape(len(values), -1).copy())
        label, images = label_of(net), _images(net, len(values))
        if label is not None and net.blobs[label].count == len(values):
            self._labels.append(net.blobs[label].data.reshape(-1).astype(np.int64))
        if images is not None:
            self._images.append(images.copy())

    def _embedding(self, iteration: int) -> None:
        points = np.concatenate(self._points)[:POINTS]
        labels = np.concatenate(self._labels)[:POINTS].tolist() if self._labels else None
        images = None
        if self._images:
            images = np.concatenate(self._images)[:POINTS]
            low, high = images.min(), images.max()
            images = (images - low) / ((high - low) or 1)
            images = images[:, ::-1] if images.shape[1] == 3 else np.repeat(images, 3, axis=1)
        self._writer.add_embedding(points, metadata=labels, label_img=images, global_step=iteration, tag=self._blob)

    def _outputs(self, prefix: str, outputs: Outputs, iteration: int) -> None:
        for name, values in outputs.items():
            for i, value in enumerate(values):
                self._scalar(f"{prefix}{name}{f'[{i}]' if len(values) > 1 else ''}", value, iteration)

    def _scalar(self, tag: str, value: float, iteration: int) -> None:
        self._writer.add_scalar(tag, value, iteration)


def _are_pictures(filters: Array) -> bool:
    return filters.ndim == 4 and filters.shape[1] in (1, 3)


def _picture(filters: Array) -> Array:
    pictures = colored(filters) if filters.shape[1] == 3 else 0.5 + filters[:, 0] / (2 * largest(filters))
    sheet = tile(np.nan_to_num(pictures, nan=0.5), fill=1.0)
    sheet = np.kron(sheet, np.ones((4, 4, 1)[: sheet.ndim]))  # or the few pixels of a filter become a blur
    return sheet if sheet.ndim == 3 else np.repeat(sheet[:, :, None], 3, axis=2)


def _images(net: Net, count: int) -> Array | None:
    """What was looked at: the first blob of as many grey or coloured images."""
    for blob in net.blobs.values():
        if len(blob.shape) == 4 and blob.shape[0] == count and blob.shape[1] in (1, 3) and min(blob.shape[2:]) > 1:
            return blob.data
    return None
