"""Files appear whole or not at all, and are found where the prototxt means them."""

import os
import stat
import threading
from contextlib import suppress

import pytest

from caffe_lite.files import atomic_write, locate, read_whole


def test_replaced_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_kept_after_an_error(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write(b"half" * (1 // 0))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_permissions_are_those_of_new_files(tmp_path):
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "a") as file:
            file.write(b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_missing_folder_is_named_and_not_the_temporary_file(tmp_path):
    with pytest.raises(FileNotFoundError) as error, atomic_write(tmp_path / "none" / "a.txt"):
        pass
    assert error.value.filename == str(tmp_path / "none" / "a.txt")


def test_locate(tmp_path, monkeypatch):
    deep = tmp_path / "examples" / "mnist"
    deep.mkdir(parents=True)
    (deep / "net.prototxt").touch()
    (deep / "solver.prototxt").touch()
    monkeypatch.chdir(tmp_path)
    assert locate("examples/mnist/net.prototxt", "examples/mnist/solver.prototxt") == "examples/mnist/net.prototxt"
    monkeypatch.chdir(deep)
    assert os.path.samefile(locate("examples/mnist/net.prototxt", "solver.prototxt"), deep / "net.prototxt")
    assert locate("examples/none", "solver.prototxt") == "examples/none"
    assert locate("/absolute/none", "solver.prototxt") == "/absolute/none"
    assert locate("", "solver.prototxt") == ""


def test_read_whole(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc" * 1000)
    assert read_whole(path) == read_whole(path, 3000) == b"abc" * 1000
    with pytest.raises(OSError, match="larger than 2999 bytes, the most that is read"):
        read_whole(path, 2999)
    with pytest.raises(IsADirectoryError):
        read_whole(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "none")
    with pytest.raises(OSError, match="no zero byte"):
        read_whole(str(path) + "\0")
    with pytest.raises(OSError, match="this is a device or a pipe"):
        read_whole("/dev/zero")


def test_a_sparse_file_takes_no_memory(tmp_path):
    path = tmp_path / "a"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger than"):
        read_whole(path)


def test_pipes_are_read_where_they_may_be(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="a pipe"):
        read_whole(path)
    for most, size in ((None, 3_000_000), (1000, 1001)):
        writer = threading.Thread(target=lambda size=size: write(path, b"x" * size))
        writer.start()
        if most is None:
            assert read_whole(path, pipes=True) == b"x" * size
        else:
            with pytest.raises(OSError, match="larger than 1000 bytes"):
                read_whole(path, most, pipes=True)
        writer.join()


def write(path, data):
    with suppress(BrokenPipeError):
        path.write_bytes(data)


def test_two_that_may_be_meant(tmp_path, monkeypatch, caplog):
    """The working folder's is taken; that there is another is told of, once for the files of a folder and kind."""
    for folder in ("mine", "theirs"):
        (tmp_path / folder / "images").mkdir(parents=True)
        for name in ("net.prototxt", "images/1.png", "images/2.png"):
            (tmp_path / folder / name).touch()
    (tmp_path / "theirs" / "alone.prototxt").touch()
    monkeypatch.chdir(tmp_path / "mine")
    assert locate("alone.prototxt", "../theirs/solver.prototxt") == "../theirs/alone.prototxt"
    assert locate("net.prototxt", "solver.prototxt") == "net.prototxt"
    assert locate("./", "../theirs/solver.prototxt") == "./"
    assert not caplog.messages
    for _ in range(2):
        for name in ("net.prototxt", "images", "images/1.png", "images/2.png"):
            assert locate(name, "../theirs/solver.prototxt") == name
    assert caplog.messages == [
        f"../theirs/solver.prototxt names {name}, and there are two of these: {tmp_path}/mine/{name}, which is taken, as Caffe "
        f"takes it, since this is the working folder, and {tmp_path}/theirs/{name}. If you mean the other, work in its folder"
        for name in ("net.prototxt", "images", "images/1.png")]
    os.symlink(tmp_path / "mine", tmp_path / "theirs" / "link")
    assert locate("net.prototxt", "../theirs/link/solver.prototxt") == "net.prototxt"
    assert len(caplog.messages) == 3
