"""Images, and pairs of them, as the databases that data layers read."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.sources.database import create_database
from caffe_lite.starting.photos import Photos

Array = np.ndarray[Any, Any]
Done = Callable[[int], None]


def write_images(path: str | os.PathLike[str], backend: str, photos: Photos, done: Done) -> None:
    """Record i: key ``%08d_CLASS/NAME``, a Datum of image i, whose label is its class."""
    count, channels, height, width = photos.pixels.shape
    datum = schema.Datum(channels=channels, height=height, width=width)
    with create_database(os.fspath(path), backend) as put:
        for i in range(count):
            datum.data, datum.label = photos.pixels[i].tobytes(), int(photos.labels[i])
            name = f"_{photos.names[i]}" if photos.names else ""
            put(b"%08d" % i + os.fsencode(name)[:200], datum.SerializeToString())  # LMDB's keys end at 511 bytes
            done(1)


def write_pairs(path: str | os.PathLike[str], backend: str, photos: Photos, pairs: Array, done: Done) -> None:
    """Record k: key ``%08d`` of k, a Datum of both images of pair k, the second's channels after the first's; its label
    is 1 where they are of the same class, else 0."""
    _, channels, height, width = photos.pixels.shape
    datum = schema.Datum(channels=2 * channels, height=height, width=width)
    with create_database(os.fspath(path), backend) as put:
        for k, (i, j) in enumerate(pairs.tolist()):
            datum.data = photos.pixels[i].tobytes() + photos.pixels[j].tobytes()
            datum.label = int(photos.labels[i] == photos.labels[j])
            put(b"%08d" % k, datum.SerializeToString())
            done(1)
