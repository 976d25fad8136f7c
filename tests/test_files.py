"""Files appear whole or not at all, and are found where the prototxt means them."""

import os
import stat

import pytest

from caffe_lite.files import atomic_write, locate


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
