"""Databases that cannot be written, and one that breaks while it is read."""

from contextlib import closing

import pytest
from support.databases import digit_records, digits, make_database, writable

from caffe_lite.errors import DataError
from caffe_lite.sources.database import create_database
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
