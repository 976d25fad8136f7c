"""A list of images becomes a database: Caffe's keys and records."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.databases import read_records, writable
from support.images import encoded, pictures

from caffe_lite import schema
from caffe_lite.commands import call_for, convert_imageset
from caffe_lite.errors import DataError, FlagError
from caffe_lite.rng import Rng
from caffe_lite.sources.images import decode_image

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")
CAFFES = np.load(Path(__file__).parents[1] / "data" / "commands" / "convert_imageset.npz")
LIST = "photo.jpg 3\ntwo words.JPEG 17\nmissing.png 4\nplain.png 0\nclear.png -2\ngrey.png 300\n"
SMALL = {"resize_height": 10, "resize_width": 15}
CASES = {
    "plain": {},
    "grey": {"gray": True},
    "resized": SMALL,
    "encoded": {"encoded": True},
    "encoded_grey": {"encoded": True, "gray": True},
    "jpeg_resized": {"encode_type": "jpg", **SMALL},
    "png": {"encode_type": "png"},
}


def convert(folder, text=LIST, **flags):
    writable(flags.get("backend", "lmdb"))
    (folder / "list.txt").write_text(text)
    args = [f"{folder}/img/", str(folder / "list.txt"), str(folder / "db")]
    return convert_imageset.run(call_for(convert_imageset.FLAGS, args, **flags))


def messages(caplog):
    return [f"{record.levelname[0]} {record.getMessage()}" for record in caplog.records
            if record.name == convert_imageset.__name__]


@pytest.fixture
def folder(tmp_path):
    """A folder with the images that Caffe converted."""
    (tmp_path / "img").mkdir()
    for name in CAFFES.files:
        if name.startswith("file/"):
            (tmp_path / "img" / name[5:]).write_bytes(CAFFES[name].tobytes())
    return tmp_path


@pytest.fixture
def squares(tmp_path):
    """A folder with seven small images."""
    (tmp_path / "img").mkdir()
    images = pictures(*[(3, 4, 5)] * 7)
    for i, pixels in enumerate(images):
        (tmp_path / "img" / f"{i}.png").write_bytes(encoded(pixels))
    return tmp_path


def check_alike(ours, caffes):
    """The same fields; pixels of a JPEG, which another libjpeg rounds otherwise, may be off by one or two."""
    ours, caffes = (schema.Datum.FromString(value) for value in (ours, caffes))
    decoded = [decode_image(datum.data, None, "datum") if datum.encoded else np.frombuffer(datum.data, np.uint8)
               for datum in (ours, caffes)]
    assert np.abs(decoded[0].astype(int) - decoded[1]).max() <= 2
    for datum in (ours, caffes):
        datum.ClearField("data")
    assert ours == caffes


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
@pytest.mark.parametrize("case", CASES)
def test_the_same_records_as_caffes(folder, case, backend):
    assert convert(folder, backend=backend, **CASES[case]) == 0
    expected = [(key[len(case) + 1 :].encode(), CAFFES[key].tobytes()) for key in CAFFES.files if key.startswith(f"{case}/")]
    found = read_records(folder / "db", backend)
    assert [key for key, _ in found] == [key for key, _ in expected]
    for (key, ours), (_, caffes) in zip(found, expected, strict=True):
        exact = case.startswith("encoded") or (case in ("plain", "grey", "resized") and key.endswith(b".png"))
        if exact:
            assert ours == caffes
        else:
            check_alike(ours, caffes)


def test_what_is_said(folder, caplog):
    caplog.set_level("INFO")
    convert(folder, LIST.replace("missing.png", "list.txt") + "missing.png 5")
    missing = f"E Could not open or find file {folder}/img/"
    assert messages(caplog) == [
        "I A total of 7 images.", f"I Opened lmdb {folder}/db", f"{missing}list.txt: No such file or directory",
        f"{missing}missing.png: No such file or directory", "I Processed 5 files.",
        "W 2 of 7 images could not be read and were left out",
    ]  # fmt: skip


def test_a_broken_image_is_left_out(folder, caplog):
    (folder / "img" / "missing.png").write_bytes(b"no image")
    convert(folder)
    assert "missing.png: it is no image" in messages(caplog)[0]
    assert [key[:8] for key, _ in read_records(folder / "db")] == [b"%08d" % i for i in (0, 1, 3, 4, 5)]


def test_chunks_keep_their_order_and_thousands_are_told(squares, caplog):
    caplog.set_level("INFO")
    convert(squares, "none.png 0\n" + "".join(f"{i % 7}.png {i}\n" for i in range(1, 2001)))
    records = read_records(squares / "db")
    assert [key for key, _ in records] == [b"%08d_%d.png" % (i, i % 7) for i in range(1, 2001)]
    assert [schema.Datum.FromString(value).label for _, value in records] == list(range(1, 2001))
    assert [m for m in messages(caplog) if "Processed" in m] == ["I Processed 1000 files.", "I Processed 2000 files."]


def test_shuffled_by_caffes_stream(squares, caplog):
    caplog.set_level("INFO")
    text = "".join(f"{i}.png {i}\n" for i in range(7))
    convert(squares, text, shuffle=True, seed=1701)
    lines = list(range(7))
    Rng(1701).shuffle(lines)
    assert lines != list(range(7))
    assert [key for key, _ in read_records(squares / "db")] == [b"%08d_%d.png" % pair for pair in enumerate(lines)]
    assert "I Shuffling data" in messages(caplog)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have names in Unicode only")
def test_names_that_are_no_utf8(squares):
    name = b"b\xe9b\xe9.png"
    (squares / "img" / "0.png").rename(squares / "img" / name.decode(errors="surrogateescape"))
    (squares / "raw.txt").write_bytes(name + b" 1\n")
    args = [f"{squares}/img/", str(squares / "raw.txt"), str(squares / "db")]
    convert_imageset.run(call_for(convert_imageset.FLAGS, args))
    assert [key for key, _ in read_records(squares / "db")] == [b"00000000_" + name]


def test_check_size(folder):
    with pytest.raises(DataError, match=r"two words.JPEG: Incorrect data field size 684: expected 1122 values"):
        convert(folder, check_size=True)
    assert not (folder / "db").exists()
    assert convert(folder, check_size=True, **SMALL) == 0


def test_a_file_of_that_kind_is_kept(folder):
    convert(folder, encode_type="jpg")
    found = {key[9:].decode(): schema.Datum.FromString(value).data for key, value in read_records(folder / "db")}
    assert [name for name, data in found.items() if data == CAFFES[f"file/{name}"].tobytes()] == ["photo.jpg", "two words.JPEG"]
    assert found["plain.png"][6:10] == b"JFIF"


def test_one_size_alone_is_said_to_do_nothing(squares, caplog):
    convert(squares, "0.png 1", resize_width=9)
    assert messages(caplog) == ["W images are resized only where both --resize_height and --resize_width are given"]
    assert schema.Datum.FromString(read_records(squares / "db")[0][1]).width == 5


def test_encode_type_means_encoded(squares, caplog):
    caplog.set_level("INFO")
    convert(squares, "0.png 1", encode_type="bmp")
    assert "I encode_type specified, assuming encoded=true." in messages(caplog)
    assert schema.Datum.FromString(read_records(squares / "db")[0][1]).data[:2] == b"BM"


@pytest.mark.parametrize(("text", "flags", "error", "message"), [
    ("0.png 1", {"backend": "hdf5"}, DataError, "Unknown database backend 'hdf5'"),
    ("0.png 1", {"encode_type": "doc"}, FlagError, "images cannot be encoded as 'doc'; give an --encode_type such as"),
    ("0.png 1", {"encode_type": "pdf"}, FlagError, "images cannot be encoded as 'pdf'"),
    ("picture 1", {"encoded": True}, FlagError, "Failed to guess the encoding of 'picture'; say --encode_type=png"),
    ("0.png 4000000000", {}, DataError, "list.txt:1: a label is a number from -2147483648 to 2147483647, found 4000000000"),
    ("", {}, DataError, "list.txt: File is empty"),
    ("a.png 1\nb.png 2", {}, DataError, "list.txt: none of its 2 images can be read, the first being .*img/a.png; ROOT"),
])
def test_mistakes(squares, text, flags, error, message):
    with pytest.raises(error, match=message):
        convert(squares, text, **flags)
    assert not [path for path in squares.iterdir() if path.name.startswith("db")]


def test_a_database_is_not_overwritten(squares):
    convert(squares, "0.png 1")
    with pytest.raises(DataError, match="Failed to open lmdb .*db. Is it already existing"):
        convert(squares, "1.png 1")
    assert read_records(squares / "db")[0][0] == b"00000000_0.png"


def test_the_command(squares):
    (squares / "list.txt").write_text("0.png 1\n")
    command = [sys.executable, "-m", "caffe_lite", "convert_imageset"]
    done = subprocess.run([*command, "-resize_width", "8", "--resize_height=6", "img/", "list.txt", "db"], cwd=squares,
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("] Processed 1 files.\n")
    datum = schema.Datum.FromString(read_records(squares / "db")[0][1])
    assert (datum.channels, datum.height, datum.width, datum.label) == (3, 6, 8, 1)
    done = subprocess.run([*command, "img/", "list.txt"], cwd=squares, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "usage: convert_imageset ROOTFOLDER/ LISTFILE DB_NAME; found img/ list.txt" in done.stderr
