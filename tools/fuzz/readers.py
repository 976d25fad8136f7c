"""The readers, each with files to begin with and words that mean something to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.report.read import read_log
from caffe_lite.rng import Rng
from caffe_lite.schema import bounds
from caffe_lite.snapshot import read_state, read_weights
from caffe_lite.snapshot.resume import read_resume
from caffe_lite.sources import cifar
from caffe_lite.sources.annotated import read_annotated
from caffe_lite.sources.database import Database
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.hdf5 import read_datasets
from caffe_lite.sources.idx import read_images, read_labels
from caffe_lite.sources.image_list import read_image_list
from caffe_lite.sources.images import decode_image
from caffe_lite.sources.mean import read_mean
from caffe_lite.sources.transformer import Transformer
from caffe_lite.sources.windows import read_window_file
from caffe_lite.upgrade import read_net, read_net_binary, read_solver
from tools.fuzz import seeds
from tools.fuzz.mutate import Sample

FILE = "input"
LIMITS = ((bounds, "MOST_FIELDS", 1000), (cifar, "IMAGES", seeds.CIFAR_IMAGES))
"""What is to be lower than in earnest, so that small files come to it."""


@dataclass(frozen=True)
class Reader:
    """
    Attributes:
        seeds: gives the files to begin with.
        read: reads what lies at a path: a file, or a folder.
        words: what means something in these files.
        folder: whether it reads a folder, and may change what is in there.
    """

    seeds: Callable[[], Sequence[Sample]]
    read: Callable[[Path], object]
    words: Sequence[bytes] = ()
    folder: bool = False


def _files(contents: Callable[[], Sequence[bytes]]) -> Callable[[], Sequence[Sample]]:
    return lambda: [{FILE: data} for data in contents()]


@cache
def _net() -> Net:
    return Net(seeds.small_net())


def _weights(path: Path) -> None:
    _net().copy_trained_from(path)


def _any_weights(path: Path) -> None:
    read_weights(path)
    _weights(path)


_LEAP_YEAR = (datetime(2028, 5, 5).timestamp(),) * 2
_COLORS = (True, False, None)
_TRANSFORMS = [schema.parse_text(text, schema.TransformationParameter)
               for text in ("scale: 0.5 mirror: true", "crop_size: 2 mean_value: 3")]


def _datum(path: Path) -> None:
    data = path.read_bytes()
    record, choice = (b"00000000", data), crc32(data)
    items = Datums([record, record], "db", _COLORS[choice % 3])
    transformer = Transformer(_TRANSFORMS[choice % 2], schema.TRAIN)
    transformer.init_rand(Rng(1))
    shape = transformer.output_shape(items)
    out: Any = np.empty((2, *shape), np.float32)
    transformer(items, out)


def _annotated(path: Path) -> None:
    read_annotated((b"00000000", path.read_bytes()), "db", None)


def _image(path: Path) -> None:
    data = path.read_bytes()
    decode_image(data, _COLORS[crc32(data) % 3], "image")


def _idx(path: Path) -> None:
    (read_labels if path.read_bytes()[3:4] == b"\x01" else read_images)(path)


def _cifar(path: Path) -> None:
    cifar.read_batch(str(path))


def _log(path: Path) -> None:
    os.utime(path, _LEAP_YEAR)  # of a line's day, whose year glog does not write
    read_log(path)


def _database(backend: str) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        database = Database(str(folder), backend)
        try:
            cursor = database.cursor()
            try:
                cursor.read(20)
                cursor.seek(b"00000003")
                list(cursor.batches(7))
            finally:
                cursor.close()
        finally:
            database.close()

    return read


_PROTOTXT = (b"layer {", b"layers {", b"}", b"<", b">", b"[", b"]", b":", b",", b'"', b"#", b"\\x", b"\\U0010ffff",
             b"type:", b"name: 'a'", b"input_dim: 3", b"top: 'a'", b"-", b"inf", b"0x", b"param {",
             b"blobs { shape { dim: 1000000000 } }", b"include { phase: TRAIN }", b"convolution_param {",
             b"python_param { module: 'os' layer: 'path' }")
_PROTOBUF = (b"\x0a", b"\x12", b"\x1a", b"\x0b", b"\x0c", b"\x28", b"\x2d", b"\x2a\x04", b"\x3a\x00", b"\xa2\x06\x00",
             b"\xff" * 9 + b"\x01")

READERS: dict[str, Reader] = {
    "prototxt": Reader(_files(seeds.nets), read_net, _PROTOTXT),
    "upgrade": Reader(_files(seeds.old_nets), read_net, _PROTOTXT),
    "upgrade_binary": Reader(_files(seeds.old_binary_nets), read_net_binary, _PROTOBUF),
    "solver": Reader(_files(seeds.solvers), read_solver, _PROTOTXT),
    "caffemodel": Reader(_files(seeds.weights), _any_weights, _PROTOBUF),
    "solverstate": Reader(_files(seeds.states), read_state, _PROTOBUF),
    "resume": Reader(_files(seeds.resumes), read_resume,
                     (b"{", b"}", b"[", b'"', b"[" * 5000, b'"$array":', b'"$bytes":')),
    "mean": Reader(_files(seeds.means), read_mean, _PROTOBUF),
    "hdf5_weights": Reader(_files(seeds.hdf5_weights), _weights),
    "hdf5_state": Reader(_files(seeds.hdf5_states), read_state),
    "hdf5_data": Reader(_files(seeds.hdf5_data), lambda path: read_datasets(str(path), ["data", "label"], np.float32)),
    "datum": Reader(_files(seeds.datums), _datum, _PROTOBUF),
    "annotated": Reader(_files(seeds.annotated), _annotated, _PROTOBUF),
    "image": Reader(_files(seeds.images), _image,
                    (b"IDAT", b"IHDR", b"\xff\xda", b"\xff\xc0", b"\xff\xe1", b"Exif\0\0")),
    "leveldb": Reader(seeds.leveldbs, _database("leveldb"), folder=True),
    "lmdb": Reader(seeds.lmdbs, _database("lmdb"), folder=True),
    "image_list": Reader(_files(seeds.image_lists), lambda path: read_image_list(str(path)),
                         (b"\n", b" ", b"\0", b"-")),
    "window_file": Reader(_files(seeds.window_files), lambda path: read_window_file(str(path), 0.5, 0.5),
                          (b"\n", b"# 0", b" ")),
    "idx": Reader(_files(seeds.idx), _idx),
    "cifar": Reader(_files(seeds.cifar), _cifar),
    "log": Reader(_files(seeds.logs), _log,
                  (b"] Solving ", b"Iteration ", b", loss = ", b"Test net output #", b"\n")),
}
