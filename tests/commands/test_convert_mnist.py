"""The two converters: the same bytes as Caffe's."""

import os

import numpy as np
import pytest
from support.databases import recorded, writable, write_idx

from caffe_lite import schema
from caffe_lite.commands import call_for, convert_mnist_data, convert_mnist_siamese_data
from caffe_lite.errors import DataError, FlagError
from caffe_lite.rng import Rng
from caffe_lite.sources.database import Database


def records(path, backend, count):
    db = Database(str(path), backend)
    cursor = db.cursor()
    found = [(bytes(key), bytes(value)) for key, value in cursor.read(count + 1)]
    cursor.close()
    db.close()
    assert found.pop() == found[0], "there are more records than expected"
    return found


def convert(command, *args, **flags):
    writable("leveldb" if command is convert_mnist_siamese_data else flags.get("backend", "lmdb"))
    return command.run(call_for(command.FLAGS, [str(arg) for arg in args], **flags))


@pytest.fixture
def pair(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (23, 5, 4), np.uint8)
    return write_idx(tmp_path, images, np.arange(23) % 10)


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_the_same_records_as_caffes(tmp_path, backend, caplog):
    caplog.set_level("INFO")
    expected = records(recorded("mnist_lmdb", tmp_path / "caffes"), "lmdb", 500)
    datums = [schema.Datum.FromString(value) for _, value in expected]
    images = np.stack([np.frombuffer(datum.data, np.uint8).reshape(28, 28) for datum in datums])
    files = write_idx(tmp_path, images, [datum.label for datum in datums])
    assert convert(convert_mnist_data, *files, tmp_path / "ours", backend=backend) == 0
    assert records(tmp_path / "ours", backend, 500) == expected
    messages = [record.getMessage() for record in caplog.records]
    opened = f"Opened {backend} {tmp_path / 'ours'}"
    for message in (opened, "A total of 500 items.", "Rows: 28 Cols: 28", "Processed 500 files."):
        assert message in messages


def test_lmdb_is_the_default(tmp_path, pair):
    convert(convert_mnist_data, *pair, tmp_path / "db")
    assert "data.mdb" in os.listdir(tmp_path / "db")


def test_pairs(tmp_path, pair):
    assert convert(convert_mnist_siamese_data, *pair, tmp_path / "db", seed=7) == 0
    images = np.random.default_rng(0).integers(0, 256, (23, 5, 4), np.uint8)
    rng = Rng(7)
    labels = []
    for n, (key, value) in enumerate(records(tmp_path / "db", "leveldb", 23)):
        i, j = rng.rand() % 23, rng.rand() % 23
        same = int(i % 10 == j % 10)
        pixels = images[i].tobytes() + images[j].tobytes()
        assert key == b"%08d" % n
        assert value == b"\x08\x02\x10\x05\x18\x04\x22\x28" + pixels + b"\x28" + bytes([same])
        labels.append(same)
    assert 0 < sum(labels) < 23


def test_the_layout_of_pairs_is_caffes(tmp_path):
    """The bytes of a record but for its pixels and its label."""
    ours = tmp_path / "ours"
    files = write_idx(tmp_path, np.zeros((3, 28, 28), np.uint8), [1, 2, 3])
    convert(convert_mnist_siamese_data, *files, ours)
    (key, value), *_ = records(recorded("siamese_leveldb", tmp_path / "caffes"), "leveldb", 500)
    our_key, our_value = records(ours, "leveldb", 3)[0]
    assert our_key == key
    assert len(our_value) == len(value)
    assert our_value[:9] + our_value[-2:-1] == value[:9] + value[-2:-1]


def test_pairs_differ_from_run_to_run_unless_there_is_a_seed(tmp_path, pair):
    def make(name, **flags):
        convert(convert_mnist_siamese_data, *pair, tmp_path / name, **flags)
        return records(tmp_path / name, "leveldb", 23)

    assert make("a", seed=3) == make("b", seed=3)
    assert make("c") != make("d")


@pytest.mark.parametrize("command", [convert_mnist_data, convert_mnist_siamese_data])
def test_mistakes(tmp_path, pair, command):
    with pytest.raises(FlagError, match="usage: convert_mnist.*IMAGES LABELS DATABASE"):
        convert(command, *pair)
    with pytest.raises(DataError, match="Unable to open file"):
        convert(command, pair[0], tmp_path / "none", tmp_path / "db")
    with pytest.raises(DataError, match="Expected 2051, found 2049, a file of labels"):
        convert(command, pair[1], pair[0], tmp_path / "db")
    assert not (tmp_path / "db").exists()
    convert(command, *pair, tmp_path / "db")
    with pytest.raises(DataError, match="Is it already existing"):
        convert(command, *pair, tmp_path / "db")


def test_an_unknown_backend(tmp_path, pair):
    with pytest.raises(DataError, match="Unknown database backend 'hdf5'"):
        convert(convert_mnist_data, *pair, tmp_path / "db", backend="hdf5")
