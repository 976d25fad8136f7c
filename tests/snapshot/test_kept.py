"""Which snapshot is the newest whole one, and which are removed."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from caffe_lite import schema
from caffe_lite.snapshot import State, state_to_bytes
from caffe_lite.snapshot.kept import newest_snapshot, remove_older
from caffe_lite.snapshot.resume import resume_to_bytes
from caffe_lite.snapshot.together import checksum


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(n, resume=True, prefix="p", ending=""):
    """The snapshot of iteration ``n``, as caffe_lite writes it, or without the ``.resume`` file as Caffe does."""
    base = f"{prefix}_iter_{n}"
    net = schema.NetParameter(name="tiny")
    net.layer.add(name="ip", type="InnerProduct").blobs.append(schema.array_to_blob(np.full(3, n, np.float32)))
    weights = net.SerializeToString()
    state = state_to_bytes(base, State(n, f"{base}.caffemodel{ending}", 0, [np.ones(3, np.float32)]))
    Path(f"{base}.caffemodel{ending}").write_bytes(weights)
    Path(f"{base}.solverstate{ending}").write_bytes(state)
    if resume:
        body = {"weights": checksum(weights), "state": checksum(state)}
        Path(f"{base}.resume").write_bytes(resume_to_bytes(body))


def cut(name):
    path = Path(name)
    path.write_bytes(path.read_bytes()[:-3])


def messages(caplog, level):
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_none(caplog):
    caplog.set_level(logging.INFO)
    assert newest_snapshot("p") is None
    assert newest_snapshot("no/such/folder/p") is None
    assert messages(caplog, logging.INFO)[0] == "There is no whole snapshot p_iter_*.solverstate: starting afresh"


def test_by_number_and_not_by_name(caplog):
    caplog.set_level(logging.INFO)
    for n in (9, 100, 20):
        write(n)
    write(500, prefix="pp")
    write(600, prefix="q")
    assert newest_snapshot("p") == "p_iter_100.solverstate"
    assert newest_snapshot(os.path.abspath("p")) == os.path.abspath("p_iter_100.solverstate")
    assert messages(caplog, logging.INFO)[0] == "The newest whole snapshot is p_iter_100.solverstate"


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda: cut("p_iter_20.caffemodel"), "p_iter_20.caffemodel is not the file that it was written with"),
        (lambda: cut("p_iter_20.solverstate"), "p_iter_20.solverstate is not "),
        (lambda: cut("p_iter_20.resume"), "p_iter_20.resume is broken"),
        (lambda: os.remove("p_iter_20.caffemodel"), "p_iter_20.caffemodel: No such file"),
        (lambda: os.remove("p_iter_20.solverstate"), "there is none, only weights; was its writing interrupted?"),
        (lambda: write(20, resume=False) or Path("p_iter_20.solverstate").write_bytes(state_to_bytes("p", State(20, "p_iter_20.caffemodel", 1, []))),
         "p_iter_20.solverstate is not the file that it was written with"),
        (lambda: (os.remove("p_iter_20.resume"), cut("p_iter_20.caffemodel")), "p_iter_20.caffemodel is not a whole .caffemodel"),
        (lambda: (os.remove("p_iter_20.resume"), os.remove("p_iter_20.caffemodel")), "p_iter_20.caffemodel: there is no such file"),
    ],
)
def test_broken_ones_are_passed_over(harm, why, caplog):
    caplog.set_level(logging.INFO)
    write(9)
    write(20)
    harm()
    assert newest_snapshot("p") == "p_iter_9.solverstate"
    [line] = messages(caplog, logging.WARNING)
    assert line.startswith("Passing over p_iter_20.solverstate: ")
    assert why in line


def test_caffes_own(caplog):
    write(9)
    write(20, resume=False)
    assert newest_snapshot("p") == "p_iter_20.solverstate"


def iterations():
    return sorted({int(name.split("_")[2].split(".")[0]) for name in os.listdir() if name.startswith("p_iter")})


def test_older_ones_are_removed():
    for n in (2, 4, 6, 8, 10):
        write(n)
    write(3, resume=False)  # Caffe's
    write(5, prefix="q")
    remove_older("p", 2, 8)
    assert iterations() == [3, 6, 8, 10]  # 10 is of another training: newer is not older
    assert len(list(Path().glob("q*"))) == 3
    remove_older("p", 5, 10)
    assert iterations() == [3, 6, 8, 10]
    remove_older("p", 1, 10)
    assert iterations() == [3, 10]


def test_hdf5_ones_too():
    write(2, ending=".h5")
    write(4, ending=".h5")
    remove_older("p", 1, 4)
    assert iterations() == [4]


def test_what_was_changed_stays(caplog):
    for n in (2, 4, 6):
        write(n)
    Path("p_iter_2.caffemodel").write_bytes(b"somebody's own")
    remove_older("p", 1, 6)
    assert iterations() == [2, 6]
    assert Path("p_iter_2.caffemodel").read_bytes() == b"somebody's own"
    assert "p_iter_2.caffemodel has changed since it was written" in messages(caplog, logging.WARNING)[0]


def test_half_removed_and_half_written_ones_go():
    for n in (2, 4, 6):
        write(n)
    os.remove("p_iter_2.solverstate")
    os.remove("p_iter_4.solverstate")
    os.remove("p_iter_4.caffemodel")
    remove_older("p", 2, 6)
    assert iterations() == [6]


def test_one_that_cannot_be_removed_is_told_of(monkeypatch, caplog):
    write(2)
    write(4)

    def unlink(path):
        raise PermissionError(1, "Operation not permitted", path)

    monkeypatch.setattr(os, "unlink", unlink)
    remove_older("p", 1, 4)
    assert iterations() == [2, 4]
    assert "An old snapshot stays: " in messages(caplog, logging.WARNING)[0]
