"""The fuzzing tool: counts, failures that are kept, processes that die or hang."""

import re
import signal
import subprocess
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
    assert re.match(r"image_list: 150 inputs in \d+ s: \d+ refused, \d+ read, 0 failures\n$", capsys.readouterr().out)


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
    assert re.match(r"log: 120 inputs in \d+ s: 33 refused, 87 read, 3 failures \(see ", capsys.readouterr().out)
    assert (tmp_path / "death-6" / FILE).read_bytes() == b"deadly"


def test_only_what_changed_is_written(tmp_path):
    folder = tmp_path / "input"
    first = {"a": b"12", "b": b"345"}
    worker.write(first, folder)
    (folder / "a").write_bytes(b"another")
    second = {"a": first["a"], "c": b"6789"}
    worker.write(second, folder, first)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a": b"another", "c": b"6789"}
    worker.write(second, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == second


def test_small_samples_come_more_often_and_large_ones_too():
    small, large = {FILE: b"1"}, {FILE: b"1" * 500}
    random = worker.Random(7)
    chosen = [worker.pick([large, small, small], random) is large for _ in range(2000)]
    assert 200 < sum(chosen) < 400  # 3 in 27, and a tenth of 6 in 27: 267


@pytest.mark.parametrize(("asleep", "stuck", "code"), [(False, 600, -signal.SIGPROF), (True, 4, 1)])
def test_an_input_that_takes_too_long_ends_the_process(asleep, stuck, code):
    program_text = f"""
from tools.fuzz import worker
worker.HANG, worker.STUCK, worker.PERIOD = 0.6, {stuck}, 0.1
watch = worker.Watch()
end = worker.time.monotonic() + 2
while watch.wind() < end:
    worker.time.sleep(0.01) if {asleep} else sum(range(10000))
print("wound", flush=True)
while True:
    worker.time.sleep(0.1) if {asleep} else sum(range(10000))
"""
    ended = subprocess.run([sys.executable, "-c", program_text], cwd=program.ROOT, capture_output=True, text=True, timeout=60,
                           check=False)
    assert ended.stdout == "wound\n"
    assert ended.returncode == code
    assert "most recent call first" in ended.stderr
