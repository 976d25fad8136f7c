"""Small databases and idx files for tests."""

from __future__ import annotations

import struct
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from caffe_lite import schema
from caffe_lite.sources.database import Database, create_database

RECORDED = Path(__file__).parents[1] / "data" / "databases"


def recorded(name, folder):
    """A copy, in ``folder``, of a database that Caffe wrote."""
    with zipfile.ZipFile(RECORDED / f"{name}.zip") as archive:
        archive.extractall(folder)
    return str(folder)


def writable(backend):
    """Skip the test where this backend cannot be written."""
    if backend == "leveldb":
        pytest.importorskip("plyvel", reason="plyvel, which writes LevelDBs, has no wheel for this Python")


def make_database(path, records, backend="lmdb"):
    writable(backend)
    with create_database(str(path), backend) as put:
        for key, value in records:
            put(key, value)
    return str(path)


def read_records(path, backend="lmdb"):
    """All keys and values of a database."""
    with closing(Database(str(path), backend)) as database, closing(database.cursor()) as cursor:
        return [(bytes(key), bytes(value)) for records in cursor.batches(1) for key, value in records]


def make_datum(values, label=0):
    """The Datum of an array (channels, height, width): uint8 become bytes, others floats."""
    channels, height, width = values.shape
    datum = schema.Datum(channels=channels, height=height, width=width, label=label)
    if values.dtype == np.uint8:
        datum.data = values.tobytes()
    else:
        datum.float_data.extend(values.reshape(-1).tolist())
    return datum.SerializeToString()


def digits(count, channels=1, height=4, width=3, seed=0):
    """Images, uint8 of shape (count, channels, height, width), no two of them alike."""
    return np.random.default_rng(seed).integers(0, 256, (count, channels, height, width), np.uint8)


def digit_records(images, labels=None):
    labels = range(len(images)) if labels is None else labels
    pairs = zip(images, labels, strict=True)
    return [(b"%08d" % i, make_datum(image, int(label))) for i, (image, label) in enumerate(pairs)]


def write_idx(folder, images, labels):
    """The two idx files of images (count, rows, columns) and labels; returns their paths."""
    paths = str(folder / "images-idx3-ubyte"), str(folder / "labels-idx1-ubyte")
    Path(paths[0]).write_bytes(struct.pack(">4I", 2051, *images.shape) + images.tobytes())
    Path(paths[1]).write_bytes(struct.pack(">2I", 2049, len(labels)) + np.asarray(labels, np.uint8).tobytes())
    return paths
