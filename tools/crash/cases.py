"""Small trainings that depend on everything a snapshot must hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from caffe_lite import schema
from caffe_lite.sources.database import create_database

ITERATIONS = 120
RECORDS, CHANNELS, SIDE, CLASSES = 37, 2, 14, 5  # no two that divide one another

TOP = """
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" param { name: "w" } param { name: "b" }
        convolution_param { num_output: 7 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "y"
        inner_product_param { num_output: 5 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
"""
DATA = """
layer { name: "data" type: "Data" top: "x" top: "t" transform_param { mirror: true crop_size: 12 scale: 0.004 }
        data_param { source: "db" batch_size: 9 backend: BACKEND rand_skip: 5 } }
"""
HDF5 = """
layer { name: "data" type: "HDF5Data" top: "x" top: "t"
        hdf5_data_param { source: "list.txt" batch_size: 9 shuffle: true } }
"""
COMMON = """
net: "net.prototxt" snapshot_prefix: "snap" random_seed: 5 average_loss: 7 display: 1 base_lr: 0.002
lr_policy: "multistep" gamma: 0.7 stepvalue: 30 stepvalue: 31 stepvalue: 80 test_iter: 3 test_interval: 25
"""


def lmdb(folder: Path) -> str:
    """LMDB, mirrored and cropped at random, Adam."""
    _write_database(folder, "lmdb")
    _write_net(folder, DATA.replace("BACKEND", "LMDB"))
    return COMMON + 'type: "Adam" momentum: 0.9 momentum2: 0.99 '


def leveldb(folder: Path) -> str:
    """LevelDB, SGD with momentum over two batches, snapshots as HDF5 files."""
    _write_database(folder, "leveldb")
    _write_net(folder, DATA.replace("BACKEND", "LEVELDB"))
    return COMMON + "momentum: 0.9 weight_decay: 0.001 iter_size: 2 snapshot_format: HDF5 "


def hdf5(folder: Path) -> str:
    """HDF5 files and their rows in a random order, AdaDelta."""
    import h5py

    gen = np.random.default_rng(1)
    for name, rows in (("a.h5", 11), ("b.h5", 16), ("c.h5", 10)):
        with h5py.File(folder / name, "w") as file:
            file["x"] = gen.normal(size=(rows, CHANNELS, SIDE, SIDE)).astype(np.float32)
            file["t"] = gen.integers(0, CLASSES, rows).astype(np.float32)
    (folder / "list.txt").write_text("a.h5\nb.h5\nc.h5\n")
    _write_net(folder, HDF5)
    return COMMON + 'type: "AdaDelta" momentum: 0.95 delta: 1e-6 clip_gradients: 2 '


CASES: dict[str, Callable[[Path], str]] = {"lmdb": lmdb, "leveldb": leveldb, "hdf5": hdf5}
"""Each writes its data and net into a folder and returns the solver, without ``max_iter`` and ``snapshot``."""


def _write_net(folder: Path, data: str) -> None:
    (folder / "net.prototxt").write_text(f'name: "crash"\n{data}{TOP}')


def _write_database(folder: Path, backend: str) -> None:
    gen = np.random.default_rng(0)
    with create_database(str(folder / "db"), backend) as put:
        for i in range(RECORDS):
            pixels = gen.integers(0, 256, (CHANNELS, SIDE, SIDE), np.uint8)
            datum = schema.Datum(channels=CHANNELS, height=SIDE, width=SIDE, data=pixels.tobytes(), label=i % CLASSES)
            put(b"%08d" % i, datum.SerializeToString())
