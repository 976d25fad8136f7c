"""Images and their classes, from wherever they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.kernels.datum import CHANNELS, WIDTH
from caffe_lite.sources.database import MARKS, Database
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.idx import read_pair
from caffe_lite.starting.photos import Photos, find_photos, read_photos

_BATCH = 500


def read_images(path: str, stored: tuple[int, int, int], most: int, classes: tuple[str, ...] = (),
                done: Callable[[int], None] = lambda count: None) -> Photos:
    """The first ``most`` images.

    Args:
        path: a database of single images, an idx file of MNIST's kind with its labels beside it, or a folder that has a
            folder of images for each class, of which all are read.
        stored: channels, height and width that they are to have; images in files are brought to them.
        classes: names of the classes 0, 1, ...; without, databases and idx files have their numbers as names.

    Raises:
        DataError: there is none of these at ``path``, or its images are of another size.
    """
    kinds = [kind for kind, mark in MARKS.items() if Path(path, mark).exists()]
    if kinds:
        photos = _from_database(path, kinds[0], stored, most, done)
    elif Path(path).is_dir():
        return read_photos(find_photos(path), stored[1], stored[2], stored[0] == 1, done)
    else:
        name = os.path.basename(path)
        labels = name.replace("images", "labels").replace("idx3", "idx1")
        if labels == name:
            raise DataError(f"{path}: expected a database, a folder of folders of images, or a file such as "
                            "t10k-images-idx3-ubyte beside t10k-labels-idx1-ubyte")
        pixels, numbers = read_pair(path, os.path.join(os.path.dirname(path), labels))
        photos = Photos(pixels[:most, None], numbers[:most].astype(np.int64), ())
        done(len(photos))
    if photos.pixels.shape[1:] != stored:
        raise DataError(_misfit(path, photos.pixels.shape[1:], stored))
    if photos.labels.min() < 0:
        raise DataError(f"{path}: a class has the number {photos.labels.min()}; expected numbers from 0")
    known = len(classes) > photos.labels.max()
    return Photos(photos.pixels, photos.labels,
                  classes if known else tuple(map(str, range(int(photos.labels.max()) + 1))))


def _from_database(path: str, backend: str, stored: tuple[int, int, int], most: int,
                   done: Callable[[int], None]) -> Photos:
    pixels: list[np.ndarray[Any, Any]] = []
    labels: list[int] = []
    with closing(Database(path, backend)) as database, closing(database.cursor()) as cursor:
        for records in cursor.batches(_BATCH):
            items = Datums(records[: most - len(labels)], path, stored[0] == 3)
            for i, shape in enumerate(items.fields[:, CHANNELS : WIDTH + 1].tolist()):
                values = items.buffer[items.begins[i] : items.begins[i] + items.sizes[i]]
                if tuple(shape) != stored or values.size != np.prod(stored):
                    raise DataError(_misfit(items.where(i), shape, stored))
                pixels.append(values.reshape(stored))
            labels += items.labels.tolist()
            done(len(items.labels))
            if len(labels) >= most:
                break
    return Photos(np.stack(pixels), np.array(labels), ())


def _misfit(where: str, found: Sequence[int], expected: Sequence[int]) -> str:
    has, wants = (" x ".join(map(str, shape)) for shape in (found, expected))
    return (f"{where}: images of {has} (channels x height x width), but the net's pairs are of {wants}; give images of "
            "that size")
