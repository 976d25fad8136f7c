"""The mean of a database: Caffe's file, byte for byte, and its log."""

import numpy as np
import pytest
from support.databases import RECORDED, digit_records, digits, make_database, recorded
from support.images import encoded, pictures

from caffe_lite import schema
from caffe_lite.commands import call_for, compute_image_mean
from caffe_lite.errors import DataError, FlagError
from caffe_lite.sources import mean as means


def run(*args, **flags):
    return compute_image_mean.run(call_for(compute_image_mean.FLAGS, [str(arg) for arg in args], **flags))


def read_mean(path):
    blob = schema.read_binary(path, schema.BlobProto)
    assert not blob.HasField("shape")
    return schema.blob_to_array(blob)


def test_the_same_bytes_as_caffes(tmp_path, caplog):
    caplog.set_level("INFO")
    assert run(recorded("mnist_lmdb", tmp_path / "db"), tmp_path / "mean") == 0
    assert (tmp_path / "mean").read_bytes() == (RECORDED / "mnist_mean.binaryproto").read_bytes()
    messages = [record.getMessage() for record in caplog.records if "Opened" not in record.getMessage()]
    assert messages == ["Starting iteration", "Processed 500 files.", f"Write to {tmp_path / 'mean'}",
                        "Number of channels: 1", "mean_value channel [0]: 30.7733"]  # fmt: skip


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
@pytest.mark.parametrize("scale", [None, 0.37])
def test_bytes_and_floats(tmp_path, backend, scale, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(means, "BATCH", 6)
    monkeypatch.setattr(means, "TOLD", 10)
    images = digits(23, channels=3, height=5, width=4)
    images = images if scale is None else (images * scale).astype(np.float32)
    run(make_database(tmp_path / "db", digit_records(images), backend), tmp_path / "mean", backend=backend)
    expected = images.astype(np.float64).mean(0)
    np.testing.assert_allclose(read_mean(tmp_path / "mean"), expected[None], rtol=1e-6)
    messages = [record.getMessage() for record in caplog.records]
    assert [m for m in messages if "Processed" in m] == [f"Processed {n} files." for n in (10, 20, 23)]
    channels = [float(m.rpartition(" ")[2]) for m in messages if m.startswith("mean_value channel")]
    np.testing.assert_allclose(channels, expected.mean((1, 2)), rtol=1e-5)


def test_encoded_images(tmp_path, caplog):
    caplog.set_level("INFO")
    images = pictures(*[(3, 6, 5)] * 4)
    records = [(b"%d" % i, schema.Datum(encoded=True, data=encoded(image)).SerializeToString())
               for i, image in enumerate(images)]
    run(make_database(tmp_path / "db", records), tmp_path / "mean")
    np.testing.assert_allclose(read_mean(tmp_path / "mean")[0], np.mean(images, axis=0), rtol=1e-6)
    assert "Decoding Datum" in [record.getMessage() for record in caplog.records]


def test_only_shown(tmp_path):
    database = make_database(tmp_path / "db", digit_records(digits(3)))
    assert run(database) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["db"]


def test_mistakes(tmp_path):
    with pytest.raises(FlagError, match=r"usage: compute_image_mean INPUT_DB \[OUTPUT_FILE\]; found no argument"):
        run()
    with pytest.raises(DataError, match="Failed to open lmdb .*none: it does not exist"):
        run(tmp_path / "none")
    mixed = [*digit_records(digits(2)), (b"2", digit_records(digits(1, height=5))[0][1])]
    with pytest.raises(DataError, match="mixed, key '2': Incorrect data field size 15: expected 12 values"):
        run(make_database(tmp_path / "mixed", mixed), tmp_path / "mean")
    with pytest.raises(DataError, match="flat, key '0': an image needs channels, height and width"):
        run(make_database(tmp_path / "flat", [(b"0", schema.Datum(data=b"12").SerializeToString())]))
    assert not (tmp_path / "mean").exists()
