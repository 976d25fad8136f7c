"""The CIFAR converter: Caffe's keys and records, from files in CIFAR's format."""

import numpy as np
import pytest
from support.databases import writable

from caffe_lite import schema
from caffe_lite.commands import call_for, convert_cifar_data
from caffe_lite.errors import DataError, FlagError
from caffe_lite.sources import cifar
from caffe_lite.sources.database import Database


@pytest.fixture(autouse=True)
def rows(tmp_path, monkeypatch):
    """The six files with 20 images each."""
    monkeypatch.setattr(cifar, "IMAGES", 20)
    rows = np.random.default_rng(0).integers(0, 256, (6, 20, 3073), np.uint8)
    rows[..., 0] %= 10
    for name, batch in zip((*cifar.TRAIN, cifar.TEST), rows, strict=True):
        batch.tofile(tmp_path / name)
    (tmp_path / "out").mkdir()
    return rows


def convert(folder, backend="lmdb"):
    writable(backend)
    return convert_cifar_data.run(call_for(convert_cifar_data.FLAGS, [str(folder), str(folder / "out"), backend]))


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_records(tmp_path, rows, backend, caplog):
    caplog.set_level("INFO")
    assert convert(tmp_path, backend) == 0
    for part, expected in (("train", rows[:5].reshape(100, 3073)), ("test", rows[5])):
        database = Database(str(tmp_path / "out" / f"cifar10_{part}_{backend}"), backend)
        cursor = database.cursor()
        records = [(bytes(key), bytes(value)) for key, value in cursor.read(len(expected) + 1)]
        cursor.close()
        database.close()
        assert records.pop() == records[0]
        assert [key for key, _ in records] == [b"%05d" % i for i in range(len(expected))]
        for (_, value), row in zip(records, expected, strict=True):
            datum = schema.Datum(channels=3, height=32, width=32, data=row[1:].tobytes(), label=int(row[0]))
            assert value == datum.SerializeToString()
    messages = [record.getMessage() for record in caplog.records if "convert_cifar" in record.name]
    assert [message for message in messages if "Opened" not in message] == [
        "Writing Training data", *[f"Training Batch {i}" for i in range(1, 6)], "Writing Testing data",
    ]  # fmt: skip


def test_mistakes(tmp_path):
    with pytest.raises(FlagError, match="usage: convert_cifar_data INPUT_FOLDER OUTPUT_FOLDER DB_TYPE; found a b"):
        convert_cifar_data.run(call_for(convert_cifar_data.FLAGS, ["a", "b"]))
    with pytest.raises(DataError, match="Unknown database backend 'hdf5'"):
        convert(tmp_path, "hdf5")
    whole = (tmp_path / "data_batch_3.bin").read_bytes()
    (tmp_path / "data_batch_3.bin").write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"data_batch_3\.bin: expected 20 images of 3073 bytes, found 61459 bytes"):
        convert(tmp_path)
    (tmp_path / "data_batch_3.bin").unlink()
    with pytest.raises(DataError, match=r"Unable to open .*data_batch_3\.bin: No such file"):
        convert(tmp_path)
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "data_batch_3.bin").write_bytes(whole)
    convert(tmp_path)
    with pytest.raises(DataError, match="Is it already existing"):
        convert(tmp_path)
