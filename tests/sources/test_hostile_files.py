"""Images, lists, databases and records that were made to do harm, and what fuzzing found."""

import os
import re
import struct
import time
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from support.databases import digit_records, digits, make_database, make_datum
from support.images import encoded, pictures

from caffe_lite import schema
from caffe_lite.errors import CaffeError, DataError, ShapeError
from caffe_lite.report.read import read_log
from caffe_lite.sources import images
from caffe_lite.sources.database import Database
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.idx import read_images
from caffe_lite.sources.image_list import read_image_list
from caffe_lite.sources.images import decode_image, resize_image
from caffe_lite.sources.leveldb_check import BrokenFile, check_files
from caffe_lite.sources.mean import image_mean, read_mean, write_mean
from caffe_lite.sources.snappy import decompress
from caffe_lite.sources.transformer import Transformer
from caffe_lite.sources.windows import read_window_file

# -- images ------------------------------------------------------------------------------------------------


def png(width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def read(data, color=True):
    pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")
    return decode_image(data, color, "a.png")


def test_an_image_that_claims_a_hundred_thousand_pixels_each_way():
    with pytest.raises(DataError, match=r"Could not load a.png: .*(10000000000|100000 x 100000) pixels"):
        read(png(100_000, 100_000, zlib.compress(b"")))


@pytest.mark.filterwarnings("ignore:Image size")
def test_an_image_below_pillows_limit_and_above_ours():
    with pytest.raises(DataError, match=f"it says that it has 13000 x 13000 pixels, and {images.MOST_PIXELS} are the most"):
        read(png(13_000, 13_000, zlib.compress(b"")))


@pytest.mark.filterwarnings("ignore:Image size")
def test_more_data_than_pixels():
    assert read(png(3, 2, zlib.compress(bytes(100_000_000), 9)), False).shape == (1, 2, 3)


def test_other_programs_are_not_started(monkeypatch):
    """Pillow hands EPS files to Ghostscript."""
    monkeypatch.setattr("subprocess.check_call", lambda *_: pytest.fail("a program was started"))
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(DataError, match="it is no image"):
        read(data)


def test_a_jpeg_in_endless_scans():
    data = encoded(pictures((3, 9, 7))[0], "JPEG")
    at = data.index(b"\xff\xda")
    scan = data[at : data.rindex(b"\xff\xd9")]
    with pytest.raises(DataError, match="a JPEG in more than 500 scans"):
        read(data[:at] + scan * 600)


def test_a_bmp_whose_runs_are_lines_without_end():
    head = struct.pack("<2sIIIIIIHHIIIIII", b"BM", 0, 0, 54 + 1024, 40, 1 << 23, 4, 1, 8, 1, 0, 0, 0, 0, 0)
    with pytest.raises(DataError, match="a BMP of more than 16777216 pixels in runs"):
        decode_image(head + bytes(1024) + b"\x01\x05\x00\x00" * 4, True, "a.bmp")
    head = struct.pack("<2sIIIIIIHHIIIIII", b"BM", 0, 0, 54 + 1024, 40, 3, 2, 1, 8, 1, 0, 0, 0, 0, 0)
    pixels = decode_image(head + bytes(8) + b"\x10\x20\x30\x00" * 254 + b"\x03\x05\x00\x00" * 2, True, "a.bmp")
    np.testing.assert_array_equal(pixels, np.broadcast_to([[[0x10]], [[0x20]], [[0x30]]], (3, 2, 3)))


def test_sizes_that_images_are_not_resized_to():
    for height, width in ((2**32 - 1, 2**32 - 1), (1, 2**31)):
        with pytest.raises(DataError, match="an image cannot be resized"):
            resize_image(pictures((3, 9, 7))[0], height, width)


# -- lists -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["9" * 5000, str(2**31), "-" + str(2**31 + 1)])
def test_labels_of_more_than_32_bits(tmp_path, label):
    path = tmp_path / "list"
    path.write_text(f"a.png 1\nb.png {label}\n")
    with pytest.raises(DataError, match="list:2: a label is a number from -2147483648 to 2147483647, found"):
        read_image_list(str(path))


def test_labels_of_32_bits(tmp_path):
    zeros = "0" * 5000
    (tmp_path / "list").write_text(f"a {2**31 - 1}\nb -{2**31}\nc 000000000000000000012x\nd -{zeros}7\ne +{zeros}\n")
    assert [label for _, label in read_image_list(str(tmp_path / "list"))] == [2**31 - 1, -(2**31), 12, -7, 0]


@pytest.mark.parametrize("name", ["a\0b", "/dev/zero", "x" * 5000, "/"])
def test_names_of_no_files(name):
    with pytest.raises(DataError):
        images.read_image(name)


@pytest.mark.parametrize("count", ["-1", "9" * 5000, "99999999999", "1_0", "1e3", "٣"])
def test_counts_of_windows(tmp_path, count):
    path = tmp_path / "w"
    path.write_text(f"# 0\na.png\n3\n5\n6\n{count}\n")
    with pytest.raises(DataError, match="w:6: expected a whole number"):
        read_window_file(str(path), 0.5, 0.5)


@pytest.mark.parametrize("number", ["nan", "inf", "1e300", "-3e9"])
def test_corners_of_windows(tmp_path, number):
    path = tmp_path / "w"
    path.write_text(f"# 0\na.png\n3\n5\n6\n1\n1 1 0 0 {number} 1\n")
    with pytest.raises(DataError, match="expected numbers of 32 bits"):
        read_window_file(str(path), 0.5, 0.5)


def test_numbers_in_logs_that_are_no_numbers(tmp_path):
    path = tmp_path / "log"
    path.write_text("Iteration 1, loss = 2\nIteration " + "9" * 5000 + ", loss = 3\n    Train net output #"
                    + "9" * 5000 + ": a = 1\nIteration 5, Testing net (#" + "9" * 5000 + ")\nIteration 2, loss = 4\n")
    assert read_log(path)[0].loss.values[0] == 2


def test_a_log_line_that_begins_again_and_again(tmp_path):
    path = tmp_path / "log"
    good = "I1121 00:00:00.000000 7 solver.cpp:239] Iteration 1, loss = 0.5\n"
    path.write_text(good + "    Train net output #1: " * 50_000 + "\n" + "Iteration 1 (" * 50_000 + ", loss = \n")
    begin = time.process_time()
    assert read_log(path)[0].loss.values == [0.5]
    assert time.process_time() - begin < 5


def test_a_log_past_new_year_with_a_day_that_the_next_year_does_not_have(tmp_path):
    path = tmp_path / "log"
    header = "I{} 00:00:00.000000 7 solver.cpp:239] Iteration {}, loss = 0.5\n"
    days = ["1231", "0229", "0228"]
    path.write_text("".join(header.format(day, i) for i, day in enumerate(days)))
    os.utime(path, (leap := datetime(2028, 5, 5).timestamp(), leap))
    loss = read_log(path)[0].loss
    assert loss.iterations == [0, 1, 2]
    assert loss.seconds == [0, 0, 59 * 86400]


def test_a_log_of_ten_thousand_years(tmp_path):
    path = tmp_path / "log"
    lines = [f"I{day} 00:00:00.000000 7 solver.cpp:239] Iteration 1, loss = 0.5" for day in ("0101", "1231")]
    path.write_text("\n".join(lines * 8000))
    assert len(read_log(path)[0].loss.values) == 16000


def test_an_idx_file_that_claims_more_than_it_holds(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(struct.pack(">4I", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1))
    with pytest.raises(DataError, match="truncated or damaged"):
        read_images(path)


@pytest.mark.parametrize("sizes", [(2**32 - 65531, 3795496960, 0), (0, 2**31, 1)])
def test_an_idx_file_of_nothing_in_sizes_that_no_array_has(tmp_path, sizes):
    path = tmp_path / "images"
    path.write_bytes(struct.pack(">4I", 2051, *sizes))
    with pytest.raises(DataError, match=f"images: the file is damaged: it says that it holds {sizes[0]} x {sizes[1]} x"):
        read_images(path)


# -- records -----------------------------------------------------------------------------------------------


def claiming(channels, height, width, size=60):
    return schema.Datum(channels=channels, height=height, width=width, data=bytes(size)).SerializeToString()


@pytest.mark.parametrize("shape", [(1, 10**5, 10**5), (2**31 - 1,) * 3, (3, 2**31 - 1, 2**31 - 1), (3, 5, 5)])
def test_a_datum_that_claims_more_than_it_holds(shape):
    items = Datums([(b"k", claiming(*shape))], "db")
    transformer = Transformer(schema.TransformationParameter(), schema.TEST)
    with pytest.raises(DataError, match="db, key 'k': a datum of shape .* values, found 60; make the database again"):
        transformer.output_shape(items)


@pytest.mark.parametrize("shape", [(3, 2**31 - 1, 2**31 - 1), (3, 2**30, 2**33 // 2 - 1 & 2**31 - 1)])
def test_a_later_one_that_does_so_where_there_is_a_crop(shape):
    """Three times these two numbers is negative in 64 bits, so less than any size: the crop was read from anywhere."""
    items = Datums([(b"a", make_datum(digits(1, 3, 5, 4)[0])), (b"b", claiming(*shape))], "db")
    transformer = Transformer(schema.TransformationParameter(crop_size=2), schema.TEST)
    with pytest.raises(DataError, match="db, key 'b': a datum of shape"):
        transformer(items, np.empty((2, 3, 2, 2), np.float32))


def test_the_mean_of_images_that_claim_more_than_they_hold(tmp_path):
    path = make_database(tmp_path / "db", [(b"a", claiming(2**31 - 1, 2**31 - 1, 2))])
    with pytest.raises(DataError, match="key 'a': Incorrect data field size 60"):
        image_mean(path, "lmdb", lambda _: None)


def test_a_mean_of_no_images(tmp_path):
    write_mean(tmp_path / "m", np.zeros((1, 2, 3), np.float32))
    blob = schema.BlobProto(num=0, channels=1, height=2, width=3)
    schema.write_binary(tmp_path / "m", blob)
    with pytest.raises(ShapeError, match="a mean file holds a blob with 4 axes"):
        read_mean(tmp_path / "m")


# -- LMDB --------------------------------------------------------------------------------------------------

PAGE = 4096


class Lmdb:
    """The file of a database, to be spoilt."""

    def __init__(self, folder):
        self.folder = make_database(folder, digit_records(digits(300, 3, 20, 9)))
        self.path = Path(self.folder, "data.mdb")
        self.data = bytearray(self.path.read_bytes())
        assert struct.unpack_from("<I", self.data, 40)[0] == PAGE
        turns = [struct.unpack_from("<Q", self.data, at + 144)[0] for at in (0, PAGE)]
        self.meta = PAGE if turns[1] > turns[0] else 0
        self.root = struct.unpack_from("<Q", self.data, self.meta + 128)[0]

    def put(self, at, form, *values):
        struct.pack_into(form, self.data, at, *values)

    def read(self):
        self.path.write_bytes(self.data)
        database = Database(self.folder, "lmdb")
        try:
            cursor = database.cursor()
            try:
                return sum(len(records) for records in cursor.batches(7))
            finally:
                cursor.close()
        finally:
            database.close()


@pytest.fixture
def lmdb(tmp_path):
    return Lmdb(tmp_path / "db")


def first_child(lmdb, index=0):
    node = struct.unpack_from("<H", lmdb.data, lmdb.root * PAGE + 16 + 2 * index)[0]
    return lmdb.root * PAGE + node


def test_a_whole_one(lmdb):
    assert lmdb.read() == 300


@pytest.mark.parametrize("spoil", [
    lambda f: f.put(f.meta + 128, "<Q", 1 << 50),  # the root far away
    lambda f: f.put(f.meta + 128, "<Q", 0),  # which is no branch
    lambda f: f.put(first_child(f), "<HHH", 0xFFFF, 0xFFFF, 0xFFFF),  # a page far away
    lambda f: f.put(first_child(f), "<HH", f.root & 0xFFFF, f.root >> 16),  # the root below itself
    lambda f: f.put(f.root * PAGE + 16, "<H", 0xFFFF),  # a node outside of its page
    lambda f: f.put(f.root * PAGE + 12, "<HH", 5, 3),  # more nodes than none
    lambda f: f.put(f.root * PAGE + 10, "<H", 4),  # another kind of page
    lambda f: f.put(first_child(f) + 6, "<H", 0xFFFF),  # a key outside of its page
    lambda f: f.put(f.meta + 92, "<H", 4),  # several values for a key
    lambda f: f.put(first_child(f, 1), "6s", bytes(f.data[first_child(f) : first_child(f) + 6])),  # a leaf twice
], ids=range(10))
def test_a_damaged_lmdb(lmdb, spoil):
    spoil(lmdb)
    with pytest.raises(DataError, match=r"Failed to open lmdb|: a record cannot be read: .*; make the database again"):
        lmdb.read()


def test_a_value_that_claims_four_gigabytes(tmp_path):
    path = make_database(tmp_path / "db", [(b"%08d" % i, bytes(9000)) for i in range(5)])
    file = Path(path, "data.mdb")
    data = file.read_bytes()
    file.write_bytes(data.replace(struct.pack("<HHHH", 9000, 0, 1, 8), struct.pack("<HHHH", 0xFFFF, 0xFFFF, 1, 8)))
    database = Database(path, "lmdb")
    with pytest.raises(DataError, match="says that it begins 4294967295 bytes, which are not in the file"):
        database.cursor()
    database.close()


def leaf_node(lmdb):
    leaf = struct.unpack_from("<H", lmdb.data, first_child(lmdb))[0] * PAGE
    return leaf + struct.unpack_from("<H", lmdb.data, leaf + 16)[0]


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda f: f.put(leaf_node(f) + 4, "<H", 2), "it holds another database, or several values for a key"),
    (lambda f: f.put(leaf_node(f), "<HH", 0xFFFF, 0), r"page \d+ is damaged"),
    (lambda f: f.put(leaf_node(f) + 4, "<HH", 1, 60000), r"page \d+ is damaged"),
    (lambda f: (f.put(leaf_node(f) + 4, "<HH", 1, 8), f.put(leaf_node(f) + 16, "<Q", 1 << 40)), r"page \d+ says that it begins \d+ bytes, which are not"),
    (lambda f: (f.put(leaf_node(f) + 4, "<HH", 1, 8), f.put(leaf_node(f) + 16, "<Q", 2)), r"page 2 is damaged"),
], ids=range(5))
def test_damaged_values_of_an_lmdb(lmdb, spoil, message):
    spoil(lmdb)
    with pytest.raises(DataError, match=f"a record cannot be read: {message}"):
        lmdb.read()


def test_the_last_node_of_a_page_says_that_its_value_is_elsewhere(lmdb):
    leaf = struct.unpack_from("<H", lmdb.data, first_child(lmdb))[0] * PAGE
    count = (struct.unpack_from("<H", lmdb.data, leaf + 12)[0] - 16) // 2
    lmdb.put(leaf + 16, "<H", PAGE - 8 - 8)  # a node whose key ends with the page
    lmdb.put(leaf + PAGE - 16, "<HHHH", 0, 0, 1, 8)
    assert count > 1
    with pytest.raises(DataError, match=r"page \d+ is damaged"):
        lmdb.read()


def test_a_disk_that_cannot_be_read(lmdb, monkeypatch):
    from caffe_lite.sources.lmdb_pages import Pages

    pages = Pages(lmdb.folder)

    class Broken:
        def seek(self, _):
            raise OSError(5, "Input/output error")

    file, pages._file = pages._file, Broken()
    with pytest.raises(DataError, match="the file cannot be read at byte 8192: Input/output error"):
        pages.page(2)
    file.close()


def test_no_record_can_be_read_any_more(lmdb):
    database = Database(lmdb.folder, "lmdb")
    cursor = database.cursor(lambda error: None)
    cursor.read(299)
    cursor._position._pages.root = 0
    with pytest.raises(DataError, match="db holds no record that can be read; make it again"):
        cursor.next()
    cursor.close()
    database.close()


def test_every_lmdb_cut_short(lmdb):
    for size in range(0, len(lmdb.data), 20_011):
        lmdb.path.write_bytes(lmdb.data[:size])
        with pytest.raises(DataError):
            Database(lmdb.folder, "lmdb")


# -- LevelDB -----------------------------------------------------------------------------------------------


@pytest.fixture
def leveldb(tmp_path):
    pytest.importorskip("plyvel", reason="plyvel, which writes LevelDBs, has no wheel for this Python")
    return Path(make_database(tmp_path / "db", digit_records(digits(300, 3, 20, 9)), "leveldb"))


def varint(number):
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def test_whole_tables(leveldb):
    check_files(leveldb)


@pytest.mark.parametrize(("begin", "length"), [(0, 1 << 60), (0, 1 << 40), (1 << 62, 100), (0, 5)])
def test_an_index_that_is_not_in_its_table(leveldb, begin, length):
    """LevelDB takes that memory, and where there is not so much the process ends."""
    (table,) = leveldb.glob("*.ldb")
    data = table.read_bytes()
    footer = (varint(0) + varint(8) + varint(begin) + varint(length)).ljust(40, b"\0")
    table.write_bytes(data[:-48] + footer + data[-8:])
    with pytest.raises(DataError, match=r"Failed to open leveldb .*ldb is damaged: its index cannot be read; it is broken"):
        Database(str(leveldb), "leveldb")


@pytest.mark.parametrize("current", [b"../../etc/passwd\n", b"MANIFEST-000004", b"", b"\xff\n", b"MANIFEST-x\n"])
def test_a_manifest_from_elsewhere(leveldb, current):
    (leveldb / "CURRENT").write_bytes(current)
    with pytest.raises(DataError, match="CURRENT does not name a manifest"):
        Database(str(leveldb), "leveldb")


@pytest.mark.parametrize("tail", [b"", b"\0" * 48])
def test_a_table_that_does_not_end_as_one(leveldb, tail):
    (table,) = leveldb.glob("*.ldb")
    data = table.read_bytes()
    table.write_bytes(data[: len(data) - len(tail)] + tail)
    if tail:
        with pytest.raises(BrokenFile, match="is damaged: it does not end as a table does"):
            check_files(leveldb)


def test_an_index_with_more_restarts_than_room(leveldb):
    (table,) = leveldb.glob("*.ldb")
    data = bytearray(table.read_bytes())
    data[:5] = b"\xff\xff\xff\xff\x00"  # a block of four bytes, not compressed
    data[-48:-8] = (varint(0) + varint(8) + varint(0) + varint(4)).ljust(40, b"\0")
    table.write_bytes(data)
    with pytest.raises(BrokenFile, match="its index cannot be read"):
        check_files(leveldb)


def test_a_manifest_that_is_gone(leveldb):
    next(leveldb.glob("MANIFEST-*")).unlink()
    with pytest.raises(DataError, match="Failed to open leveldb .*MANIFEST-.*No such file"):
        Database(str(leveldb), "leveldb")


def test_a_database_that_somebody_goes_on_changing(leveldb, monkeypatch):
    from caffe_lite.sources import leveldb_check

    (leveldb / "CURRENT").write_bytes(b"x")
    states = iter(range(100))
    monkeypatch.setattr(leveldb_check, "_state", lambda _: next(states))
    with pytest.raises(BrokenFile, match="another process goes on changing it"):
        check_files(leveldb)


def test_a_manifest_cut_short(leveldb):
    (manifest,) = leveldb.glob("MANIFEST-*")
    data = manifest.read_bytes()
    refused = 0
    for size in range(1, len(data)):
        manifest.write_bytes(data[:size])
        try:
            check_files(leveldb)
        except BrokenFile:
            refused += 1
    assert refused > len(data) // 2


def test_snappy():
    whole = b"".join([varint(11 + 8), b"\x08abc", b"\x01\x03", b"\x0a\x01\x00", b"\x1f\x04\0\0\0"])
    with pytest.raises(ValueError, match="fewer bytes"):
        decompress(whole)
    assert decompress(varint(7) + b"\x08abc" + b"\x01\x03") == b"abcabca"
    assert decompress(varint(70) + b"\x00x" + b"\xfe\x01\x00" + b"\x10ababa") == b"x" * 65 + b"ababa"
    assert decompress(varint(62) + b"\xf0\x3d" + b"y" * 62) == b"y" * 62
    for bad in (varint(1 << 40) + b"\x00x", b"\x05\x01\x00", b"\x05\x08ab", b"\x80" * 11, b"", b"\x01\x08abc"):
        with pytest.raises((ValueError, IndexError)):
            decompress(bad)


# -- HDF5 --------------------------------------------------------------------------------------------------


def hdf5():
    return pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")


def rows(path):
    from caffe_lite.sources.hdf5 import read_datasets

    return read_datasets(str(path), ["data"], np.float32)[0]


@pytest.mark.parametrize("options", [
    {}, {"chunks": (4, 2)}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True, "chunks": (4, 2)},
    {"fletcher32": True}, {"compression": "lzf", "shuffle": True},
    {"compression": "gzip", "shuffle": True, "fletcher32": True, "chunks": (5, 3)},
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["f4", ">f8", "i2", "u1"])
def test_datasets_in_pieces(tmp_path, options, dtype):
    path, numbers = tmp_path / "a.h5", np.random.default_rng(0).integers(0, 200, (11, 7)).astype(dtype)
    with hdf5().File(path, "w") as file:
        file.create_dataset("data", data=numbers, **options)
    np.testing.assert_array_equal(rows(path), numbers)


def test_pieces_that_are_not_stored(tmp_path):
    """The value for the rest is zero or not read: found by fuzzing, damaged it ends the process."""
    for options in ({}, {"chunks": (3, 3)}):
        for fill in (None, 7):
            with hdf5().File(tmp_path / "a.h5", "w") as file:
                dataset = file.create_dataset("data", shape=(9, 9), dtype="f4", fillvalue=fill, **options)
                if options:
                    dataset[4, 4] = 1
            if fill is None:
                assert rows(tmp_path / "a.h5").sum() == len(options)
            else:
                with pytest.raises(DataError, match="the value for the rest is not read; write all of it"):
                    rows(tmp_path / "a.h5")


def test_a_damaged_piece(tmp_path):
    path = tmp_path / "a.h5"
    for options, message in (({"fletcher32": True}, "checksum of a piece is wrong"),
                             ({"compression": "gzip"}, "a piece cannot be decompressed")):
        with hdf5().File(path, "w") as file:
            file.create_dataset("data", data=np.arange(50.0), chunks=(50,), **options)
            where = file["data"].id.get_chunk_info(0).byte_offset
        data = bytearray(path.read_bytes())
        data[where + 5] ^= 255
        path.write_bytes(data)
        with pytest.raises(DataError, match=rf"a.h5: dataset data: .*{message}"):
            rows(path)


def test_pieces_of_other_sizes(tmp_path):
    """Written as they are, past HDF5's filters."""
    def write(piece, mask=0, **options):
        with hdf5().File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("data", shape=(5,), dtype="f4", chunks=(5,), **options)
            file["data"].id.write_direct_chunk((0,), piece, mask)

    write(bytes(20), 1, compression="gzip")
    assert rows(tmp_path / "a.h5").tolist() == [0] * 5
    for piece, mask, options, message in (
            (zlib.compress(bytes(19)), 0, {"compression": "gzip"}, "a piece has 19 bytes, and should have 20"),
            (zlib.compress(bytes(10**6)), 0, {"compression": "gzip"}, "a piece has 24 bytes, and should have 20"),
            (b"abc", 0, {"fletcher32": True}, "a piece is shorter than its checksum"),
            (b"a", 0, {"shuffle": True}, "a piece has 1 bytes, and should have 20")):
        write(piece, mask, **options)
        with pytest.raises(DataError, match=message):
            rows(tmp_path / "a.h5")


def test_filters_that_are_not_read(tmp_path):
    with hdf5().File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=np.arange(9), chunks=(9,), scaleoffset=0)
    with pytest.raises(DataError, match="its filter 6 is not read; store it with gzip"):
        rows(tmp_path / "a.h5")


def test_more_pieces_than_any_dataset_has(tmp_path):
    with hdf5().File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", shape=(1001, 1000), dtype="u1", chunks=(1, 1))
    with pytest.raises(DataError, match="it is in more than 1000000 pieces"):
        rows(tmp_path / "a.h5")


def test_a_type_that_is_nearly_one(tmp_path):
    h5py = hdf5()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        kind = h5py.h5t.STD_I32LE.copy()
        kind.set_precision(17)
        h5py.h5d.create(file.id, b"data", kind, h5py.h5s.create_simple((4,)))
    with pytest.raises(DataError, match="is of a type that is nearly, but not quite, int32"):
        rows(tmp_path / "a.h5")


def test_a_piece_of_no_bytes(tmp_path):
    """Found by fuzzing: HDF5 2.0 takes four bytes for the checksum off nothing, and the process ends."""
    path = tmp_path / "a.h5"
    with hdf5().File(path, "w") as file:
        file.create_dataset("data", data=np.arange(9), chunks=(9,), fletcher32=True)
        size = file["data"].id.get_chunk_info(0).size
    data = path.read_bytes()
    for at in [match.start() for match in re.finditer(re.escape(struct.pack("<II", size, 0)), data)]:
        path.write_bytes(data[:at] + struct.pack("<I", 0) + data[at + 4 :])
        with pytest.raises(DataError):
            rows(path)


def test_a_dataset_that_claims_more_than_may_be(tmp_path):
    from caffe_lite.limits import Limits, within

    with hdf5().File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", shape=(10**6, 10**6), dtype="f4", chunks=(1000, 1000), compression="gzip")
    with within(Limits(1 << 30)), pytest.raises(DataError, match="takes 4000000000000 bytes, more than the 1073741824"):
        rows(tmp_path / "a.h5")
    with within(Limits(None)), pytest.raises(DataError, match="it is in more than 1000000 pieces|Unable to allocate"):
        rows(tmp_path / "a.h5")


def test_links_to_other_files(tmp_path):
    h5py = hdf5()
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = np.arange(5.0)
    (tmp_path / "raw").write_bytes(bytes(40))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["data"] = h5py.ExternalLink("secret.h5", "data")
    with h5py.File(tmp_path / "external.h5", "w") as file:
        file.create_dataset("data", shape=(5,), dtype="f8", external=[(str(tmp_path / "raw"), 0, 40)])
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(shape=(5,), dtype="f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "data", shape=(5,))
        file.create_virtual_dataset("data", layout)
    for name in ("link", "external", "virtual"):
        with pytest.raises(DataError, match="another file"):
            rows(tmp_path / f"{name}.h5")


def test_weights_in_groups_that_hold_themselves(tmp_path):
    from support.layers import input_layers, make_net

    from caffe_lite.errors import SnapshotError

    net = make_net(input_layers(x=(1, 2)))
    for links in (1, 2):
        with hdf5().File(tmp_path / "a.h5", "w") as file:
            group = file.create_group("data")
            for i in range(links):
                group[f"again{i}"] = group
        with pytest.raises(SnapshotError, match="there are too many groups, or one is inside itself"):
            net.copy_trained_from(tmp_path / "a.h5")


@pytest.mark.parametrize("content", [{"learned_net": [1.0]}, {"learned_net": np.bytes_(b"x" * 70000)}, {"iter": [[1, 2]]}, {"iter": [np.nan]}, {"iter": [-5]}, {"iter": ["x"]}, {"history/1": [1.0]}])
def test_states_that_cannot_be(tmp_path, content):
    from caffe_lite.errors import SnapshotError
    from caffe_lite.snapshot import read_state

    entries = {"iter": [1], "current_step": [0], "history/0": [1.0], "learned_net": "a"}
    if "history/1" in content:
        del entries["history/0"]
    with hdf5().File(tmp_path / "a.h5", "w") as file:
        for name, value in (entries | content).items():
            file[name] = value
    with pytest.raises(SnapshotError, match="a.h5 is (not a whole|a broken)"):
        read_state(tmp_path / "a.h5")


def test_no_reader_evaluates_or_unpickles():
    """Nothing that reads a file can run what is in it: no pickle, no eval, no yaml, no marshal."""
    import ast

    package = Path(images.__file__).parents[1]
    assert os.path.isdir(package / "schema")
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "marshal", "shelve", "yaml", "dill", "joblib"}, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "eval", path
                assert node.func.id not in ("exec", "compile") or path.name in ("script.py", "python2.py", "page.py"), path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path


def test_bytes_of_any_kind():
    for data in (b"", b"\0", b"\xff" * 100, b"x" * 9):
        with pytest.raises(CaffeError):
            read(data)
