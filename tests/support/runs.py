"""The recorded trainings, and the databases of digits that they read."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from caffe_lite import schema
from caffe_lite.sources.database import create_database

RUNS = Path(__file__).parents[1] / "data" / "runs"
BACKEND = "leveldb" if find_spec("plyvel") else "lmdb"  # where plyvel has no wheel nobody can write a LevelDB
NAMES = sorted(path.stem for path in RUNS.glob("*.npz") if path.stem != "digits")


def write_databases(folder, kind="siamese"):
    """Make ``data/KIND_{train,test}`` in a folder: pairs of digits, or digits, as Caffe's converters do."""
    digits = np.load(RUNS / "digits.npz")
    (folder / "data").mkdir(exist_ok=True)
    for part in ("train", "test"):
        images, labels = digits[part], digits[f"{part}_labels"]
        with create_database(str(folder / "data" / f"{kind}_{part}"), BACKEND) as put:
            if kind == "siamese":
                for i, (a, b) in enumerate(digits[f"{part}_pairs"]):
                    put(b"%08d" % i, _datum(images[[a, b]], labels[a] == labels[b]))
            else:
                for i, image in enumerate(images):
                    put(b"%08d" % i, _datum(image[None], labels[i]))


def write_run(folder, name):
    """Put the databases, ``solver.prototxt`` and ``net.prototxt`` of a recorded run into a folder; returns what
    was recorded. Paths in the files count from the folder."""
    run = np.load(RUNS / f"{name}.npz")
    kind = "siamese" if name == "siamese" else "mnist"
    write_databases(folder, kind)
    net = str(run["net"]).replace("backend: LMDB", "")
    net = re.sub(r'source: "data/(\w+)_(lmdb|leveldb)"', rf'source: "data/\1" backend: {BACKEND.upper()}', net)
    (folder / "net.prototxt").write_text(net)
    (folder / "solver.prototxt").write_text(str(run["solver"]).replace(f"runs/{name}/", ""))
    return run


def _datum(channels, label):
    _, height, width = channels.shape
    return schema.Datum(channels=len(channels), height=height, width=width, data=channels.tobytes(),
                        label=int(label)).SerializeToString()
