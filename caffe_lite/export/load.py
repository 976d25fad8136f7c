"""Nets with their weights, and nothing drawn at random in them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import CaffeError, SnapshotError
from caffe_lite.export.sources import batch_of, with_batch
from caffe_lite.net import Net

log = logging.getLogger(__name__)
Path_ = str | os.PathLike[str]
FEW = (1, 3)  # batches whose sizes no axis has by chance


def build(message: Any, named_by: Path_ | None = None) -> Net:
    """The net of a deployed message, of a prototxt ``named_by``; what that gives no values for is NaN."""
    with _quiet("caffe_lite.net", "caffe_lite.layers", "caffe_lite.graph"):
        net = Net(_without_draws(message), named_by=named_by)
    for layer in net.layers:
        if not layer.param.blobs:
            for blob in layer.blobs:
                blob.data.fill(np.nan)
    return net


def load(message: Any, weights: Path_, named_by: Path_ | None = None) -> Net:
    """The net with the weights of a file, in any form that Caffe has.

    Raises:
        SnapshotError: the file has not all of them, or others.
    """
    net = build(message, named_by)
    _fill(net, weights)
    return net


def load_batches(message: Any, weights: Path_, named_by: Path_ | None = None) -> list[Net]:
    """The net at two sizes of the batch that share their weights, or at its own alone where it cannot have another."""
    own = batch_of(message)
    for sizes in (FEW, (own, 2 * own)):
        try:
            return _pair(message, weights, named_by, sizes)
        except SnapshotError:
            raise
        except CaffeError as error:
            reason = error
    net = load(message, weights, named_by)
    log.warning("The batch stays %d: with another size the net does not fit together: %s", own, reason)
    return [net]


def _pair(message: Any, weights: Path_, named_by: Path_ | None, sizes: Sequence[int]) -> list[Net]:
    first, second = (build(with_batch(message, size), named_by) for size in sizes)
    second.share_trained_layers_with(first)
    _fill(first, weights)
    return [first, second]


def _fill(net: Net, weights: Path_) -> None:
    net.copy_trained_from(weights)
    missing = [f"{param.layer} (blob {param.index})" for param in net.params.learnable
               if param.blob.count and np.isnan(param.blob.data).all()]
    if missing:
        raise SnapshotError(f"{os.fspath(weights)} has no weights for {', '.join(missing)}; layers are matched by name")


def _without_draws(message: Any) -> Any:
    """The message with constant fillers: drawing weights that others replace takes long."""
    changed = type(message).FromString(message.SerializeToString())
    for layer in changed.layer:
        for _, part in layer.ListFields():
            if isinstance(part, schema.Message) and layer.type != "DummyData":
                for field, filler in part.ListFields():
                    if field.message_type is not None and field.message_type.name == "FillerParameter":
                        filler.CopyFrom(schema.FillerParameter(type="constant"))
    return changed


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Only warnings from these loggers: the command says itself what it does."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
