"""The fuzzing tool: counts, failures that are kept, processes that die or hang."""

import sys
from unittest.mock import Mock

import pytest

from caffe_lite.errors import DataError
from tools.fuzz import __main__ as program
from tools.fuzz import worker
from tools.fuzz.readers import FILE, READERS, Reader


def test_counts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fuzz", "image_list", "--seconds", "60", "--inputs", "150", "--seed", "3", "--keep",
                                      str(tmp_path)])
    assert program.main() == 0
    assert capsys.readouterr().out.startswith("image_list: 150 inputs in 60 s: ")


def test_names(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fuzz"])
    assert program.main() == 0
    assert capsys.readouterr().out.split()[-len(READERS):] == list(READERS)


def fails(path):
    data = path.read_bytes()
    if b"9" in data:
        raise KeyError("nine")
    if b"8" in data:
        raise DataError("eight")


def test_failures_are_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(worker, "faulthandler", Mock())  # which wants standard error to be a file
    reader = Reader(list, fails, (b"9", b"8"))
    samples = [{FILE: b"1234567"}]
    worker.feed(reader, samples, worker.Random(1), float("inf"), 300, tmp_path)
    counts, errors = capsys.readouterr()
    assert counts.split("\n")[-2].startswith("300 ")
    assert errors.count("FAILURE ") == 1
    (kept,) = tmp_path.glob("failure-KeyError-*")
    assert b"9" in (kept / FILE).read_bytes()
    assert len(samples) == 4  # what was read, refused and failed first each became one to go on from


@pytest.mark.parametrize("code", [1, -11])
def test_a_process_that_dies(tmp_path, monkeypatch, capsys, code):
    runs = []

    class Ended:
        stdout, returncode = "20 7 3\n40 11 4\n", code

    def run(command, **_):
        runs.append(command)
        (tmp_path / worker.INPUT).mkdir(exist_ok=True)
        (tmp_path / worker.INPUT / FILE).write_bytes(b"deadly")
        return Ended

    monkeypatch.setattr(program.subprocess, "run", run)
    assert program.fuzz("log", 60, 100, 1 << 30, 5, tmp_path) == 3
    assert "log: 120 inputs in 60 s: 33 refused, 87 read, 3 failures (see " in capsys.readouterr().out
    assert (tmp_path / "death-6" / FILE).read_bytes() == b"deadly"
