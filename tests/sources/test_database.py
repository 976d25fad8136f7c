"""LevelDB and LMDB: reading round and round, writing whole or not at all, and everything that is no database."""

import gc
import os
import random
import subprocess
import sys
from contextlib import closing, nullcontext

import pytest
from support.databases import make_database, recorded, writable

from caffe_lite import schema
from caffe_lite.errors import DataError, DependencyError
from caffe_lite.limits import Limits, within
from caffe_lite.sources import database, leveldb, lmdb
from caffe_lite.sources.database import Database, create_database

RECORDS = [(b"%08d" % i, b"value %d" % i * (i + 1)) for i in range(7)]
BACKENDS = ("leveldb", "lmdb")


@pytest.fixture(autouse=True)
def nothing_is_open():
    """What tests before this one have dropped, in other files too, is given back."""
    gc.collect()


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture
def path(tmp_path, backend):
    return make_database(tmp_path / "db", RECORDS, backend)


def read(path, backend, count):
    db = Database(path, backend)
    cursor = db.cursor()
    records = [(bytes(key), bytes(value)) for key, value in cursor.read(count)]
    cursor.close()
    db.close()
    return records


def files(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_records_come_in_the_order_of_their_keys(tmp_path, backend):
    path = make_database(tmp_path / "db", [RECORDS[i] for i in (3, 0, 6, 1, 5, 2, 4)], backend)
    assert read(path, backend, 7) == RECORDS


def test_a_cursor_begins_anew_at_the_end_and_says_so(path, backend, caplog):
    caplog.set_level("INFO")
    db = Database(path, backend)
    cursor = db.cursor()
    assert [bytes(key) for key, _ in cursor.read(6)] == [key for key, _ in RECORDS[:6]]
    assert "Restarting" not in caplog.text
    assert (cursor.key, cursor.value) == RECORDS[6]
    cursor.next()
    assert (cursor.key, cursor.value) == RECORDS[0]
    assert caplog.text.count("Restarting data prefetching from start.") == 1
    assert caplog.records[0].getMessage() == f"Opened {backend} {path}"
    cursor.close()
    db.close()


def test_seek(path, backend):
    db = Database(path, backend)
    cursor = db.cursor()
    for key, expected in ((b"00000004", 4), (b"00000002x", 3), (b"", 0), (b"9", 0)):
        cursor.seek(key)
        assert cursor.key == RECORDS[expected][0]
    cursor.close()
    db.close()


def test_two_holds_share_one_handle(path, backend):
    first, second = Database(path, backend), Database(os.path.join(path, "..", "db"), backend)
    one, other = first.cursor(), second.cursor()
    one.next()
    assert (one.key, other.key) == (RECORDS[1][0], RECORDS[0][0])
    one.close()
    first.close()
    first.close()
    assert other.value == RECORDS[0][1]
    other.close()
    second.close()
    assert not database._stores
    assert not database._users
    assert read(path, backend, 1) == RECORDS[:1]


def test_a_dropped_hold_is_given_back(path, backend):
    db = Database(path, backend)
    del db
    gc.collect()
    assert not database._stores


def test_more_records_than_a_batch_and_than_the_first_map(tmp_path, backend, monkeypatch):
    monkeypatch.setattr(lmdb, "MAP_SIZE", 1 << 16)
    records = [(b"%08d" % i, os.urandom(700)) for i in range(2345)]
    assert read(make_database(tmp_path / "db", records, backend), backend, 2345) == records


def test_an_existing_database_is_refused(path, backend, tmp_path):
    before = files(tmp_path / "db")
    with pytest.raises(DataError, match="Failed to open .*Is it already existing"):
        make_database(path, RECORDS, backend)
    assert files(tmp_path / "db") == before
    assert os.listdir(tmp_path) == ["db"]


def test_an_empty_folder_is_filled(tmp_path, backend):
    (tmp_path / "db").mkdir()
    path = make_database(str(tmp_path / "db") + "/", RECORDS, backend)
    assert read(path, backend, 7) == RECORDS
    assert os.stat(path).st_mode & 0o777 == 0o777 & ~_umask()


def test_nothing_stays_behind_after_a_failure(tmp_path, backend):
    writable(backend)

    def interrupted():
        with create_database(str(tmp_path / "db"), backend) as put:
            put(b"key", b"value")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not os.listdir(tmp_path)


def test_a_parent_that_is_missing(tmp_path, backend):
    with pytest.raises(DataError, match=f"no folder {tmp_path}/none; make that first"):
        make_database(tmp_path / "none" / "db", RECORDS, backend)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "it does not exist"),
        (lambda path: path.write_text("hello"), "it is a file"),
        (lambda path: path.mkdir(), "there is no database in it"),
    ],
)
def test_what_is_no_database(tmp_path, backend, make, message):
    path = tmp_path / "db"
    make(path)
    with pytest.raises(DataError, match=f"Failed to open {backend} {path}: {message}"):
        Database(str(path), backend)
    assert not path.is_dir() or not os.listdir(path)
    assert not database._users


def test_the_other_backend_is_named(path, backend, tmp_path):
    before = files(tmp_path / "db")
    other = BACKENDS[1 - BACKENDS.index(backend)]
    with pytest.raises(DataError, match=f"say `backend: {backend.upper()}`"):
        Database(path, other)
    assert files(tmp_path / "db") == before


def test_an_unknown_backend(tmp_path):
    with pytest.raises(DataError, match="Unknown database backend 'hdf5': expected leveldb or lmdb"):
        make_database(tmp_path / "db", [], "hdf5")


def test_no_records(tmp_path, backend):
    db = Database(make_database(tmp_path / "db", [], backend), backend)
    with pytest.raises(DataError, match="holds no records"):
        db.cursor()
    db.close()


@pytest.mark.parametrize("writes", [False, True])
def test_a_leveldb_that_another_process_has_open(tmp_path, writes):
    """Two trainings may read it, although LevelDB itself lets in one; but not what is still being made."""
    path = make_database(tmp_path / "db", RECORDS, "leveldb")
    put = "db.put(b'x', b'y'); " if writes else ""
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import plyvel; db = plyvel.DB({path!r}); {put}print('held', flush=True); input(); {put}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == b"held\n"
        if writes:
            with pytest.raises(DataError, match="it is locked by another process, which writes"):
                Database(path, "leveldb")
        else:
            db = Database(path, "leveldb")
            cursor = db.cursor()
            holder.communicate(b"\n")  # and what it leaves behind does not matter
            assert [(bytes(key), bytes(value)) for key, value in cursor.read(7)] == RECORDS
            cursor.close()
            db.close()
    finally:
        holder.communicate(b"\n" if holder.poll() is None else None)
    if not writes:
        assert read(path, "leveldb", 7) == RECORDS


def test_a_leveldb_open_elsewhere_in_this_process(tmp_path):
    path = make_database(tmp_path / "db", RECORDS, "leveldb")
    db = pytest.importorskip("plyvel").DB(path)
    with pytest.raises(DataError, match="it is locked by this process itself"):
        Database(path, "leveldb")
    db.close()


def test_broken_leveldbs(tmp_path):
    def table():
        path = make_database(tmp_path / f"db{len(os.listdir(tmp_path))}", RECORDS, "leveldb")
        (file,) = (os.path.join(path, name) for name in os.listdir(path) if name.endswith(".ldb"))
        return path, file

    path, file = table()
    os.truncate(file, os.path.getsize(file) // 2)
    with pytest.raises(DataError, match="Failed to open leveldb .*is truncated or damaged: expected .*make it again"):
        read(path, "leveldb", 1)

    path, file = table()
    with open(file, "r+b") as broken:
        broken.seek(20)
        broken.write(b"\xff\x00\xff")
    with pytest.raises(DataError, match="a record cannot be read: Corruption: block checksum mismatch"):
        read(path, "leveldb", 1)

    path, file = table()
    os.unlink(file)
    with pytest.raises(DataError, match="Failed to open leveldb .*missing files.*it is broken"):
        read(path, "leveldb", 1)

    gc.collect()
    assert not database._users


@pytest.mark.parametrize(("size", "message"), [(100, "it is broken"), (8192, "data.mdb is truncated: expected")])
def test_a_truncated_lmdb(tmp_path, size, message):
    path = recorded("mnist_lmdb", tmp_path / "db")
    os.truncate(os.path.join(path, "data.mdb"), size)
    with pytest.raises(DataError, match=message):
        Database(path, "lmdb")


@pytest.fixture
def packed(tmp_path):
    """A LevelDB of eight blocks that snappy has made smaller, its records and its table."""
    records = [(b"%08d" % i, random.Random(i).randbytes(2000) + bytes(2000)) for i in range(128)]
    path = make_database(tmp_path / "packed", records, "leveldb")
    table, = (tmp_path / "packed").glob("*.ldb")  # fmt: skip
    assert table.stat().st_size < 0.6 * 128 * 4000
    return path, records, table


def spoil(table, places):
    with table.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(b"\xff\xff\xff")


@pytest.mark.parametrize(("small", "memory", "read_first", "kept"), [
    (leveldb.SMALL, None, 8, True),
    (leveldb.SMALL, leveldb.PART * leveldb.KEPT, 8, True),
    (leveldb.SMALL, None, 7, False),
    (0, None, 8, False),
    (leveldb.SMALL, leveldb.PART * leveldb.KEPT - 1, 8, False),
])
def test_a_small_leveldb_is_unpacked_once(packed, small, memory, read_first, kept, monkeypatch):
    """Shown by bytes of its table that change after its first records were read, which a checksum finds later."""
    path, records, table = packed
    monkeypatch.setattr(leveldb, "SMALL", small)
    monkeypatch.setattr(leveldb, "EVERY", 8)
    monkeypatch.setattr(leveldb, "BURST", 128)
    with within(Limits(memory)):
        db = Database(path, "leveldb")
    with closing(db.cursor()) as cursor:
        cursor.read(read_first)
        spoil(table, range(20, 200_000, 10_000))
        with nullcontext() if kept else pytest.raises(DataError, match="cannot be read"):
            assert cursor.read(2 * 128) == [*records[read_first:], *records, *records[:read_first]]
    db.close()


def test_what_cannot_be_read_is_told_of_when_its_turn_comes(packed, monkeypatch):
    path, records, table = packed
    monkeypatch.setattr(leveldb, "EVERY", 1)
    spoil(table, [150_000])
    db = Database(path, "leveldb")
    with closing(db.cursor()) as cursor:
        assert cursor.read(40) == records[:40]
        with pytest.raises(DataError, match="cannot be read"):
            cursor.read(60)
    db.close()


def test_a_leveldb_in_a_read_only_folder(tmp_path, monkeypatch):
    path = make_database(tmp_path / "db", RECORDS, "leveldb")
    before = files(tmp_path / "db")
    monkeypatch.setattr(leveldb.os, "access", lambda *_: False)
    assert read(path, "leveldb", 9) == RECORDS + RECORDS[:2]
    assert files(tmp_path / "db") == before


def test_an_lmdb_folder_stays_untouched(tmp_path):
    path = recorded("mnist_lmdb", tmp_path / "db")
    read(path, "lmdb", 3)
    assert os.listdir(path) == ["data.mdb"]


def test_leveldb_without_plyvel(tmp_path, monkeypatch):
    """As on Python 3.13: superseded and deleted records must not show."""
    pytest.importorskip("rleveldb")
    plyvel = pytest.importorskip("plyvel")
    path = str(tmp_path / "db")
    with plyvel.DB(path, create_if_missing=True) as db:
        for key, _ in RECORDS:
            db.put(key, b"old")
        db.put(b"00000003x", b"gone")
    with plyvel.DB(path) as db:
        for key, value in RECORDS:
            db.put(key, value)
        db.delete(b"00000003x")
    monkeypatch.setitem(sys.modules, "plyvel", None)
    assert read(path, "leveldb", 9) == RECORDS + RECORDS[:2]
    db = Database(path, "leveldb")
    cursor = db.cursor()
    cursor.seek(b"00000003x")
    assert cursor.key == b"00000004"
    db.close()

    with pytest.raises(DependencyError, match=r"pip install plyvel.*--backend=lmdb"):
        create_database(str(tmp_path / "new"), "leveldb").__enter__()
    assert os.listdir(tmp_path) == ["db"]


def test_a_broken_leveldb_without_plyvel(tmp_path, monkeypatch):
    pytest.importorskip("rleveldb")
    path = make_database(tmp_path / "db", RECORDS, "leveldb")
    (file,) = (os.path.join(path, name) for name in os.listdir(path) if name.endswith(".ldb"))
    os.truncate(file, os.path.getsize(file) // 2)
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(DataError, match="Failed to open leveldb .*ldb is truncated"):
        Database(path, "leveldb")


def test_missing_packages(tmp_path, monkeypatch, backend):
    path = make_database(tmp_path / "db", RECORDS, backend)
    for name in ("lmdb", "plyvel", "rleveldb"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError, match=r"caffe_lite\[lmdb\]|pip install plyvel"):
        create_database(str(tmp_path / "new"), backend).__enter__()
    if backend == "lmdb":  # needs no package to read
        assert read(path, "lmdb", 7) == RECORDS
        return
    with pytest.raises(DependencyError, match="pip install rleveldb"):
        Database(path, backend)


@pytest.mark.parametrize(("name", "kind", "channels"), [("siamese_leveldb", "leveldb", 2), ("mnist_lmdb", "lmdb", 1)])
def test_databases_that_caffe_wrote(tmp_path, name, kind, channels):
    records = read(recorded(name, tmp_path / "db"), kind, 501)
    assert [key for key, _ in records] == [b"%08d" % i for i in range(500)] + [b"00000000"]
    datum = schema.Datum.FromString(records[499][1])
    assert (datum.channels, datum.height, datum.width) == (channels, 28, 28)
    assert len(datum.data) == channels * 784


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
