"""Which records a rank reads."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.databases import make_database, read_records
from support.runs import BACKEND

from caffe_lite import rng, schema
from caffe_lite.net import Net
from caffe_lite.share import Share, within
from caffe_lite.sources import leveldb

DATA = f'type: "Data" data_param {{ source: "db" batch_size: BATCH backend: {BACKEND.upper()} MORE }}'
IMAGES = 'type: "ImageData" image_data_param { source: "images.txt" batch_size: BATCH MORE }'


def read(layer, batch, share, count=1, phase=schema.TRAIN, more=""):
    """The labels of some batches, and the layer's position after them."""
    text = layer.replace("BATCH", str(batch)).replace("MORE", more)
    net = schema.parse_text(f'layer {{ name: "data" top: "x" top: "t" {text} }}', schema.NetParameter)
    net.state.phase = phase
    rng.set_random_seed(5)
    with within(share):
        built = Net(net)
    labels = []
    for _ in range(count):
        built.forward()
        labels += built.blobs["t"].data.reshape(-1).astype(int).tolist()
    position = built.layers[0].position()
    built.close()
    return labels, position


@pytest.fixture
def images(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow, which reads images, is not installed")
    names = [f"{i}.png" for i in range(7)]
    for name in names:
        image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(name)
    (tmp_path / "images.txt").write_text("".join(f"{name} {i}\n" for i, name in enumerate(names)))


def check_parts(layer, ranks, more=""):
    """Several times around."""
    whole, _ = read(layer, 4 * ranks, Share(), 5, more=more)
    for rank in range(ranks):
        assert read(layer, 4, Share(rank, ranks), 5, more=more)[0] == whole[rank::ranks]


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("more", ["", "rand_skip: 20"])
def test_records_of_a_database(ranks, more):
    check_parts(DATA, ranks, more)


@pytest.mark.parametrize("more", ["", "shuffle: true"])
@pytest.mark.usefixtures("images")
def test_images_of_a_list(more):
    check_parts(IMAGES, 3, more)


def test_a_net_to_test_reads_all():
    assert read(DATA, 4, Share(1, 3), phase=schema.TEST)[0] == [0, 1, 2, 3]


def test_each_rank_draws_its_own_numbers():
    """Of one seed, which leaves what is common as it is."""
    layer = DATA + " transform_param { mirror: true }"
    states = [read(layer, 4, Share(rank, 3))[1]["transform"] for rank in range(3)]
    again = read(layer, 4, Share(1, 3))[1]["transform"]
    assert np.array_equal(states[1], again)
    assert not np.array_equal(states[0], states[1])
    assert not np.array_equal(states[1], states[2])


def test_a_leveldb_that_another_rank_is_opening(tmp_path, monkeypatch):
    """Its list of files is not whole at the first look."""
    make_database("level", [(b"%08d" % i, bytes(50)) for i in range(31)], "leveldb")
    hold = "import plyvel; db = plyvel.DB('level'); print(1, flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    looks, shadow = [], leveldb._shadow

    def torn(source):
        copy = shadow(source)
        looks.append(copy)
        if len(looks) == 1:
            next(Path(copy.name).glob("MANIFEST-*")).unlink()
        return copy

    monkeypatch.setattr(leveldb, "_shadow", torn)
    with holder:
        holder.stdout.readline()
        assert len(read_records("level", "leveldb")) == 31
        holder.communicate(b"\n")
    assert len(looks) == 2
