"""Features in databases: Caffe's keys and records, numbers but for rounding."""

from pathlib import Path

import numpy as np
import pytest
from support.databases import digit_records, digits, make_database, read_records, recorded, writable

from caffe_lite import schema
from caffe_lite.commands import call_for, extract_features
from caffe_lite.errors import DataError, FlagError, GraphError, SchemaError, ShapeError, SnapshotError

CAFFES = np.load(Path(__file__).parents[1] / "data" / "commands" / "extract_features.npz")
BLOBS = "conv", "ip", "label", "loss"


def run(*args):
    return extract_features.run(call_for(extract_features.FLAGS, [str(arg) for arg in args]))


def messages(caplog, level):
    return [record.getMessage() for record in caplog.records
            if record.name == extract_features.__name__ and record.levelname == level]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the net and the digits that Caffe ran; the working folder."""
    monkeypatch.chdir(tmp_path)
    recorded("mnist_lmdb", tmp_path / "mnist")
    (tmp_path / "net.prototxt").write_text(str(CAFFES["net"]))
    (tmp_path / "net.caffemodel").write_bytes(CAFFES["weights"].tobytes())
    return tmp_path


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_the_same_records_as_caffes(folder, backend, caplog):
    writable(backend)
    assert run("net.caffemodel", "net.prototxt", ",".join(BLOBS), "a,b,c,d", 3, backend) == 0
    for blob, database in zip(BLOBS, "abcd", strict=True):
        expected = [(key.partition("/")[2].encode(), CAFFES[key].tobytes()) for key in CAFFES.files if key.startswith(f"{blob}/")]
        found = read_records(folder / database, backend)
        assert [key for key, _ in found] == [key for key, _ in expected]
        for (_, ours), (_, caffes) in zip(found, expected, strict=True):
            assert len(ours) == len(caffes)
            ours, caffes = (schema.Datum.FromString(value) for value in (ours, caffes))
            np.testing.assert_allclose(ours.float_data, caffes.float_data, rtol=1e-5, atol=1e-6)
            for datum in (ours, caffes):
                datum.ClearField("float_data")
            assert ours == caffes
    assert messages(caplog, "ERROR") == [
        "Using CPU", "Extracting Features",
        *[f"Extracted features of {21 if blob != 'loss' else 3} query images for feature blob {blob}" for blob in BLOBS],
        "Successfully extracted the features!",
    ]  # fmt: skip


def test_thousands_are_told(folder, caplog, monkeypatch):
    monkeypatch.setattr(extract_features, "TOLD", 10)
    run("net.caffemodel", "net.prototxt", "label", "a", 3, "lmdb")
    told = [message.split()[3] for message in messages(caplog, "ERROR") if message.startswith("Extracted")]
    assert told == ["10", "20", "21"]


def test_labels_go_round(folder):
    """More batches than the database has: the data layer begins again, the keys go on."""
    small = digits(5, height=28, width=28)
    make_database(folder / "small", digit_records(small))
    net = str(CAFFES["net"]).replace('"mnist"', '"small"').replace('name: "digits"', 'name: "digits" include { phase: TEST }')
    (folder / "net.prototxt").write_text(net)
    run("net.caffemodel", "net.prototxt", "label", "a", 2, "lmdb")
    found = read_records(folder / "a")
    assert [schema.Datum.FromString(value).float_data[0] for _, value in found] == [i % 5 for i in range(14)]
    assert found[-1][0] == b"0000000013"


def test_a_gpu_is_warned_about(folder, caplog):
    assert run("net.caffemodel", "net.prototxt", "ip", "a", 1, "lmdb", "GPU", "DEVICE_ID=1") == 0
    assert "--gpu=1: there is no GPU" in caplog.text
    assert run("net.caffemodel", "net.prototxt", "ip", "b", 1, "lmdb", "CPU") == 0
    with pytest.raises(FlagError, match="--gpu=first: give device numbers"):
        run("net.caffemodel", "net.prototxt", "ip", "c", 1, "lmdb", "GPU", "first")


@pytest.mark.parametrize(("args", "error", "message"), [
    (["net.caffemodel", "net.prototxt", "ip", "a", "1"], FlagError, "usage: extract_features WEIGHTS NET BLOB"),
    (["net.caffemodel", "net.prototxt", "ip,conv", "a", "1", "lmdb"], FlagError, r"must be equal, found 2 \(ip,conv\) and 1 \(a\)"),
    (["net.caffemodel", "net.prototxt", "ip", "a", "many", "lmdb"], FlagError, "NUM_MINI_BATCHES is a number, found many"),
    (["net.caffemodel", "net.prototxt", "fc7", "a", "1", "lmdb"], GraphError, "Unknown feature blob name fc7 in the network net.prototxt; it has data, label"),
    (["net.caffemodel", "net.prototxt", "ip", "a", "1", "hdf5"], DataError, "Unknown database backend 'hdf5'"),
    (["net.caffemodel", "net.prototxt", "ip", "mnist", "1", "lmdb"], DataError, "Failed to open lmdb mnist. Is it already existing"),
    (["net.caffemodel", "net.prototxt", "ip,conv", "a,none/b", "1", "lmdb"], DataError, "cannot make none/b: there is no folder"),
    (["none.caffemodel", "net.prototxt", "ip", "a", "1", "lmdb"], SnapshotError, "none.caffemodel"),
    (["net.caffemodel", "none.prototxt", "ip", "a", "1", "lmdb"], SchemaError, "none.prototxt: there is no such file"),
])  # fmt: skip
def test_mistakes(folder, args, error, message):
    before = sorted(folder.iterdir())
    with pytest.raises(error, match=message):
        run(*args)
    assert sorted(folder.iterdir()) == before


def test_five_axes_have_no_datum(folder):
    net = str(CAFFES["net"]) + ('layer { name: "r" type: "Reshape" bottom: "conv" top: "five" reshape_param { shape '
                                "{ dim: 0 dim: 1 dim: 1 dim: 1 dim: -1 } } }")
    (folder / "net.prototxt").write_text(net)
    with pytest.raises(ShapeError, match=r"the feature blob five has the shape \(7, 1, 1, 1, \d+\): a Datum has room for 4"):
        run("net.caffemodel", "net.prototxt", "five", "a", 1, "lmdb")
    assert not (folder / "a").exists()
