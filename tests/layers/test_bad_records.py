"""Records that rot: an error with source, key and layer, or with --skip_bad_records the same data without them."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from support.databases import digit_records, digits, make_database, make_datum
from support.images import encoded, pictures, write_images
from support.layers import make_net

from caffe_lite.errors import DataError, ShapeError
from caffe_lite.limits import Limits, within

IMAGES = digits(11, channels=2, height=4, width=3)
RECORDS = digit_records(IMAGES)
BAD = {
    "truncated": RECORDS[5][1][:-3],
    "flipped": bytes([RECORDS[5][1][0] ^ 0xFF]) + RECORDS[5][1][1:],
    "of another shape": make_datum(digits(1, channels=2, height=5, width=3)[0], 5),
    "shorter than it says": make_datum(IMAGES[5], 5).replace(b"\x18\x03", b"\x18\x30"),
    "no image": b"\x38\x01\x22\x03abc",
    "empty": b"",
}


@pytest.fixture(params=["leveldb", "lmdb"])
def backend(request):
    return request.param


@pytest.fixture(params=[1, 4])
def prefetch(request):
    return request.param


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def database(name, changed, backend="lmdb"):
    """The records, those with another value changed, those with None left out."""
    records = [(key, changed.get(i, value)) for i, (key, value) in enumerate(RECORDS)]
    return make_database(name, [(key, value) for key, value in records if value is not None], backend)


def make(source, backend="lmdb", prefetch=4, transform="", skip=0, batch=3):
    text = (f'layer {{ name: "digits" type: "Data" top: "x" top: "t" transform_param {{ {transform} }} data_param {{ '
            f'source: "{source}" backend: {backend.upper()} batch_size: {batch} prefetch: {prefetch} }} }}')
    with within(Limits(None, bad_records=skip)):
        return make_net(text, seed=3)


def batches(net, count):
    for _ in range(count):
        net.forward()
        yield net.blobs["x"].data.copy(), net.blobs["t"].data.copy()


def same(net, other, count=12):
    for (x, t), (y, u) in zip(batches(net, count), batches(other, count), strict=True):
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(t, u)
    net.close()
    other.close()


def skipped(caplog):
    return [record.getMessage() for record in caplog.records if "skipped" in record.getMessage()]


@pytest.mark.parametrize("kind", BAD)
def test_an_error_names_source_key_and_layer(kind, backend):
    net = make(database("db", {5: BAD[kind]}, backend), backend)
    with pytest.raises(DataError, match=r"^layer 'digits' \(Data\): .*db, key '0000000[45]'.*"):
        list(batches(net, 2))
    with pytest.raises(DataError, match="key '0000000"):  # and goes on to
        net.forward()
    net.close()


@pytest.mark.parametrize("kind", BAD)
def test_skipped_as_if_it_were_not_there(kind, prefetch, caplog):
    transform = "mirror: true"
    net = make(database("db", {5: BAD[kind]}), prefetch=prefetch, transform=transform, skip=1)
    same(net, make(database("good", {5: None}), transform=transform))
    lines = skipped(caplog)
    assert re.match(r"layer 'digits' \(Data\): skipped a bad record: .*db, key '00000005': ", lines[0])
    # 36 records used are three rounds of 10 and part of a fourth, which has passed the bad one
    assert lines[1:] == ["layer 'digits' (Data): skipped 1 bad record(s), 4 time(s) in all"]


def test_told_with_the_batch_they_are_missing_in(caplog):
    net = make(database("db", {5: b"", 7: b""}), prefetch=4, skip=2)
    told = []
    for _ in range(4):
        net.forward()
        told.append(len(skipped(caplog)))
    assert told == [0, 1, 2, 2]
    net.close()
    net.close()
    assert skipped(caplog)[2:] == ["layer 'digits' (Data): skipped 2 bad record(s), 2 time(s) in all"]


def test_one_more_than_allowed_is_an_error(caplog, prefetch):
    net = make(database("db", {1: b"", 5: b"", 9: b""}), prefetch=prefetch, skip=2)
    list(batches(net, 2))
    with pytest.raises(DataError, match=r"key '00000009': .*Before it 2 bad record\(s\) were skipped, as many as --skip"):
        list(batches(net, 2))
    assert [re.search("key '(.*?)'", line)[1] for line in skipped(caplog)] == ["00000001", "00000005"]
    net.close()


def test_bad_from_the_first_on(caplog):
    net = make(database("db", {0: b"", 1: BAD["of another shape"][:-1], 2: b"abc"}), skip=5)
    same(net, make(database("good", {0: None, 1: None, 2: None})))
    assert len(skipped(caplog)) == 4


def test_none_is_good():
    path = database("db", dict.fromkeys(range(11), b""))
    with pytest.raises(DataError, match="There is no good record between the bad ones"):
        make(path, skip=50)


def test_a_mean_of_another_shape():
    from caffe_lite.sources.mean import write_mean

    write_mean("mean.binaryproto", np.zeros((2, 4, 3), np.float32))
    net = make(database("db", {5: BAD["of another shape"]}), transform='mean_file: "mean.binaryproto" crop_size: 2')
    with pytest.raises(ShapeError, match=r"^layer 'digits' \(Data\): db, key '00000005': the mean file has the shape"):
        list(batches(net, 2))
    net.close()


def big_records():
    """Records in several pages and blocks of tables."""
    images = digits(90, channels=3, height=33, width=17)
    return images, digit_records(images)


def test_a_broken_page_of_an_lmdb(caplog):
    images, records = big_records()
    path = make_database("db", records)
    file = Path(path, "data.mdb")
    data = file.read_bytes()
    for copy in re.finditer(re.escape(images[40].tobytes()), data):  # older pages keep some
        where = copy.start() // 4096 * 4096
        data = data[:where] + bytes(8) + data[where + 8 :]
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"layer 'digits' \(Data\): db: a record cannot be read: page \d+ is damaged.*"
                                        r"behind the key '000000\d\d'"):
        list(batches(make(path, batch=9), 10))
    net = make(path, batch=9, skip=3)
    seen = np.concatenate([t for _, t in batches(net, 10)])
    missing = sorted(set(range(90)) - set(seen.tolist()))
    assert 40 in missing
    assert len(missing) <= 4
    net.close()
    assert len(skipped(caplog)) in (2, 3)  # a page or two, and the total


def test_a_broken_block_of_a_leveldb(caplog):
    pytest.importorskip("plyvel", reason="plyvel, which skips broken blocks, has no wheel for this Python")
    images, records = big_records()
    path = make_database("db", records, "leveldb")
    (table,) = Path(path).glob("*.ldb")
    data = table.read_bytes()
    at = data.index(images[40].tobytes()[50:60])
    table.write_bytes(data[:at] + b"\0" + data[at + 1 :])
    with pytest.raises(DataError, match=r"layer 'digits' \(Data\): .*Corruption: block checksum mismatch"):
        list(batches(make(path, "leveldb", batch=9), 10))
    net = make(path, "leveldb", batch=9, skip=3)
    seen = np.concatenate([t for _, t in batches(net, 9)])
    assert 40 not in seen
    assert len(set(seen.tolist())) > 30
    net.close()
    assert len(skipped(caplog)) == 2


def write_list(count=7):
    found = pictures(*[(3, 5, 6)] * count)
    write_images(Path(), found)
    Path("list.txt").write_text("".join(f"{i}.png {10 * i}\n" for i in range(count)))
    return found


def make_images(skip=0, fields=""):
    text = ('layer { name: "pictures" type: "ImageData" top: "x" top: "t" image_data_param { source: "list.txt" '
            f"batch_size: 3 {fields} }} }}")
    with within(Limits(None, bad_records=skip)):
        return make_net(text, seed=1)


@pytest.mark.parametrize("shuffle", ["", "shuffle: true"])
def test_images(shuffle, caplog):
    found = write_list()
    os.unlink("2.png")
    Path("4.png").write_bytes(encoded(found[4])[:60])
    Path("5.png").write_bytes(encoded(pictures((3, 9, 6))[0]))
    net = make_images(skip=3, fields=shuffle)
    good = [t for _, t in batches(net, 8)]
    assert set(np.concatenate(good)) == {0, 10, 30, 60}
    net.close()
    lines = skipped(caplog)
    assert len(lines) == 4
    for name, what in (("2.png", "No such file"), ("4.png", "Could not load"), ("5.png", "expected 3 x 5 x 6")):
        assert any(name in line and what in line for line in lines), name
    with pytest.raises(DataError, match=r"layer 'pictures' \(ImageData\): .*(2|4|5)\.png"):
        list(batches(make_images(fields=shuffle), 4))


def test_windows(caplog):
    write_list(2)
    Path("w.txt").write_text("# 0\n0.png\n3\n5\n6\n2\n1 0.9 1 1 4 3\n0 0 0 0 2 2\n"
                             "# 1\n1.png\n3\n5\n6\n2\n2 0.9 1 1 4 3\n0 0 0 0 2 2\n")
    os.unlink("1.png")
    text = ('layer { name: "w" type: "WindowData" top: "x" top: "t" transform_param { crop_size: 3 } '
            'window_data_param { source: "w.txt" batch_size: 8 fg_fraction: 0.5 } }')
    with within(Limits(None, bad_records=1)):
        net = make_net(text, seed=4)
    assert {label for _, t in batches(net, 4) for label in t} == {0, 1}
    net.close()
    assert "1.png" in skipped(caplog)[0]
    assert skipped(caplog)[1].startswith("layer 'w' (WindowData): skipped 1 bad record(s), ")
    net = make_net(text, seed=4)
    with pytest.raises(DataError, match=r"layer 'w' \(WindowData\): .*1\.png"):
        list(batches(net, 4))
    net.close()


def test_hdf5_files(caplog):
    h5py = pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")
    for i in range(4):
        with h5py.File(f"{i}.h5", "w") as file:
            file["x"] = np.arange(3.0)[:, None] + 10 * i
            file["t"] = np.arange(3.0) if i != 2 else np.zeros((3, 2))
    Path("1.h5").write_bytes(Path("1.h5").read_bytes()[:700])
    Path("list.txt").write_text("0.h5 1.h5 2.h5 none.h5 3.h5")
    text = ('layer { name: "rows" type: "HDF5Data" top: "x" top: "t" hdf5_data_param { source: "list.txt" '
            "batch_size: 4 } }")
    with within(Limits(None, bad_records=3)):
        net = make_net(text)
    assert [x.ravel().tolist() for x, _ in batches(net, 3)] == [[0, 1, 2, 30], [31, 32, 0, 1], [2, 30, 31, 32]]
    net.close()
    lines = skipped(caplog)
    assert len(lines) == 4
    assert [re.search(r"(\w+)\.h5", line)[1] for line in lines[:3]] == ["1", "2", "none"]
    with within(Limits(None, bad_records=2)):
        net = make_net(text)
    with pytest.raises(DataError, match=r"layer 'rows' \(HDF5Data\): .*none\.h5.*Before it 2 bad record"):
        list(batches(net, 2))
    net.close()
