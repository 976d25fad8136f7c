"""Caffe's log as a program sees it."""

import logging
import re
import subprocess
import sys

import caffe
import pytest
from support.pycaffe import make_net, write_solver

from caffe_lite.binding import logs
from caffe_lite.cli import main

LINE = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} [ \d]{5,} [\w.<>]+:\d+\] .*")
root = logging.getLogger("caffe_lite")


@pytest.fixture
def started(monkeypatch):
    """Logging as the import begins it."""
    monkeypatch.delenv(logs.LEVEL, raising=False)
    logs.start()
    yield
    caffe.init_log(0, True)


def every_level():
    for level in (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        root.log(level, "text")


def letters(text):
    assert all(map(LINE.fullmatch, text.splitlines())), text
    return "".join(line[0] for line in text.splitlines())


def test_lines_of_glog_on_standard_error(started, capsys):
    caffe.log("from the program")
    every_level()
    out, err = capsys.readouterr()
    assert out == ""
    assert letters(err) == "IIWEF"
    assert re.search(r" test_log\.py:\d+\] from the program$", err.splitlines()[0])


@pytest.mark.parametrize(
    ("arguments", "found"),
    [((), "IWEF"), ((0,), "IWEF"), ((1,), "WEF"), ((2,), "EF"), ((3,), "F"), ((7,), "F"), ((0, True), "IWEF"),
     ((1, 1), "WEF"), ((0, False), "EF"), ((3, 0), "F")],
)  # fmt: skip
def test_init_log(started, capsys, arguments, found):
    caffe.init_log(*arguments)
    every_level()
    assert letters(capsys.readouterr().err) == found


@pytest.mark.parametrize(("value", "found"), [("2", "EF"), ("1", "WEF"), ("", "IWEF"), ("two", "IWEF"), ("-1", "IWEF")])
def test_the_environment(monkeypatch, capsys, value, found):
    monkeypatch.setenv(logs.LEVEL, value)
    logs.start()
    every_level()
    assert letters(capsys.readouterr().err) == found


def test_init_log_overrules_the_environment(monkeypatch, capsys):
    monkeypatch.setenv(logs.LEVEL, "3")
    logs.start()
    caffe.init_log()
    every_level()
    caffe.init_log(1)
    every_level()
    assert letters(capsys.readouterr().err) == "FWEF"


def test_a_log_of_the_programs_own_is_left_alone(monkeypatch, capsys):
    kept = []
    handler = logging.Handler()
    handler.emit = kept.append
    root.addHandler(handler)
    logs.start()
    caffe.init_log(2)
    root.warning("text")
    assert [record.msg for record in kept] == ["text"]
    assert capsys.readouterr().err == ""


def test_a_program_that_logs_itself_sees_each_line_once(started, capsys):
    plain = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(plain)
    try:
        root.info("text")
    finally:
        logging.getLogger().removeHandler(plain)
    assert letters(capsys.readouterr().err) == "I"


def test_a_closed_standard_error_stops_nothing(started, monkeypatch):
    for stream in (None, open("/dev/null")):  # noqa: SIM115
        if stream is not None:
            stream.close()
        monkeypatch.setattr(sys, "stderr", stream)
        root.info("text")


def test_what_a_net_and_a_solver_say(started, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_net()
    solver = caffe.SGDSolver(write_solver())
    solver.solve()
    said = capsys.readouterr().err
    for line in ("Initializing net from parameters", "Network initialization done.", "Iteration 0, lr = 0.5",
                 "Solving trained", "Test net output #0: loss = "):  # fmt: skip
        assert f"] {line}" in said or line in said


def test_a_command_in_a_program_logs_once(started, capfd):
    assert main(["device_query"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert lines
    assert len(lines) == len(set(lines))
    assert root.handlers


@pytest.mark.parametrize("level", ["0", "2"])
def test_a_process(tmp_path, level):
    """From the import on, and nothing else is written."""
    program = f"""
import os
os.environ["GLOG_minloglevel"] = "{level}"
import sys, caffe
caffe.log("hello")
assert not {{"matplotlib", "PIL", "scipy", "skimage", "h5py", "lmdb"}} & set(sys.modules), sorted(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert letters(done.stderr) == ("I" if level == "0" else "")
