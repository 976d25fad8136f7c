"""Databases that cannot be written, and one that breaks while it is read."""

import os
from contextlib import closing

import pytest
from support.databases import digit_records, digits, make_database, writable

from caffe_lite.errors import DataError
from caffe_lite.sources import leveldb
from caffe_lite.sources.database import Database, create_database
from caffe_lite.sources.leveldb_in_memory import LevelDBInMemory


def test_an_lmdb_that_cannot_be_written(tmp_path):
    with (pytest.raises(DataError, match=r"writing the LMDB failed: .*key"), create_database(str(tmp_path / "db"), "lmdb") as put):
        put(b"k" * 600, b"LMDB has keys of 511 bytes at most")


def test_a_leveldb_that_cannot_be_written(tmp_path, monkeypatch):
    plyvel = pytest.importorskip("plyvel", reason="plyvel, which writes LevelDBs, has no wheel for this Python")

    class FullDisk:
        def __init__(self, *args, **options):
            pass

        def write_batch(self):
            return self

        def put(self, key, value):
            pass

        def write(self):
            raise plyvel.IOError(b"No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(plyvel, "DB", FullDisk)
    with pytest.raises(DataError, match="writing the LevelDB failed: No space left on device"):
        make_database(tmp_path / "db", digit_records(digits(2)), "leveldb")


def test_a_leveldb_that_cannot_be_begun(tmp_path):
    """Its lock cannot be made, as in a folder that is read-only, or on a disk that is full."""
    writable("leveldb")
    (tmp_path / "LOCK").mkdir()
    with pytest.raises(DataError, match="writing the LevelDB failed: IO error: .*LOCK"), leveldb.write(str(tmp_path)):
        pass


def test_an_lmdb_that_is_a_folder_inside(tmp_path):
    (tmp_path / "db" / "data.mdb").mkdir(parents=True)
    with pytest.raises(DataError, match="Failed to open lmdb .*db: Is a directory"):
        Database(str(tmp_path / "db"), "lmdb")


def test_an_lmdb_that_is_cut_while_it_is_read(tmp_path):
    """The second value has pages of its own; they go when the first one has been read."""
    writable("lmdb")
    source = make_database(tmp_path / "db", [(b"a", b"small"), (b"b", bytes(9000))])
    with closing(Database(source, "lmdb")) as database, closing(database.cursor()) as cursor:
        assert cursor.key == b"a"
        os.truncate(tmp_path / "db" / "data.mdb", 2 * 4096)
        with pytest.raises(DataError, match="a record cannot be read: page . is not in the file any more; make the database"):
            cursor.next()


def test_a_leveldb_that_breaks_while_it_is_read(tmp_path, monkeypatch):
    rleveldb = pytest.importorskip("rleveldb", reason="rleveldb, which reads LevelDBs without a lock, is not installed")
    writable("leveldb")
    source = make_database(tmp_path / "db", digit_records(digits(2)), "leveldb")
    with closing(LevelDBInMemory(source)) as database:
        assert database.position().first()

    def broken(source):
        raise ValueError("an unknown kind of record")

    monkeypatch.setattr(rleveldb, "RawLevelDb", broken)
    with pytest.raises(DataError, match=r"Failed to open leveldb .*db: an unknown kind of record; it is broken, make it again"):
        LevelDBInMemory(source)
