"""Solvers: their own fields, their nets, and whether their tests fit the data."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from support.databases import make_database

from caffe_lite import schema
from caffe_lite.check import Finding, check_file
from caffe_lite.check.before_training import errors_before_training, tell_errors
from caffe_lite.commands import call_for
from caffe_lite.commands.check import FLAGS, run
from caffe_lite.errors import FlagError

SOLVER = """net: "net.prototxt"
base_lr: 0.01
lr_policy: "fixed"
max_iter: 10
test_iter: 3
test_interval: 5
snapshot_prefix: "snap"
"""
NET = """layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  data_param { source: "digits" backend: LMDB batch_size: 4 } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  data_param { source: "digits" backend: LMDB batch_size: 4 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "right" type: "Accuracy" bottom: "ip" bottom: "label" top: "right" include { phase: TEST } }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A solver, its net, and a database of 12 images with the labels 0 to 4."""
    pytest.importorskip("lmdb")
    monkeypatch.chdir(tmp_path)
    records = [schema.Datum(channels=3, height=2, width=2, data=bytes(12), label=i % 5) for i in range(12)]
    make_database("digits", [(b"%02d" % i, record.SerializeToString()) for i, record in enumerate(records)])
    Path("solver.prototxt").write_text(SOLVER)
    Path("net.prototxt").write_text(NET)
    return tmp_path


def change(name: str, old: str, new: str) -> None:
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new))


def found() -> list[Finding]:
    return check_file("solver.prototxt")


def test_nothing_is_wrong(folder: Path) -> None:
    assert found() == []


@pytest.mark.parametrize(("old", "new", "code", "words"), [
    ('"fixed"', '"fixt"', "parameter", "Unknown learning rate policy"),
    ('"fixed"', '"step" gamma: 0.1', "parameter", "stepsize"),
    ("base_lr: 0.01\n", "base_lr: 0.01 type: \"SDG\"\n", "parameter", "Unknown solver type"),
    ("base_lr: 0.01\n", "base_lr: 0.01 average_loss: 0\n", "parameter", "average_loss"),
    ("base_lr: 0.01\n", "base_lr: 0.01 type: \"AdaGrad\" momentum: 0.9\n", "parameter", "Momentum cannot"),
    ("base_lr: 0.01\n", "base_lr: 0.01 weights: \"none.caffemodel\"\n", "path", "none.caffemodel"),
    ('"net.prototxt"', '"nett.prototxt"', "path", "nett.prototxt"),
    ("test_interval: 5", "", "parameter", "test_interval"),
    ("test_iter: 3", "test_iter: 3 test_iter: 3 test_net: \"net.prototxt\" test_state { }", "parameter", "test_state"),
    ('net: "net.prototxt"', "", "parameter", "exactly one train net"),
    ('"snap"', '"no/where/snap" snapshot: 5', "path", "does not exist"),
])
def test_errors(folder: Path, old: str, new: str, code: str, words: str) -> None:
    change("solver.prototxt", old, new)
    errors = [finding for finding in found() if finding.severity == "error"]
    assert {(finding.code, finding.source.name) for finding in errors} == {(code, "solver.prototxt")}
    assert words in errors[0].message


@pytest.mark.parametrize(("old", "new", "words"), [
    ("test_iter: 3", "test_iter: 2", "the rest is not tested"),
    ("test_iter: 3", "test_iter: 4", "some are tested twice"),
    ("test_iter: 3", "test_iter: 7", "all are tested 2 times"),
    ("test_iter: 3\n", "", "nothing is tested"),
    ("base_lr: 0.01\n", "", "base_lr is missing"),
    ('"fixed"', '"multistep" gamma: 0.1', "without stepvalue"),
    ('"snap"', '"no/where/snap"', "does not exist"),
])
def test_warnings(folder: Path, old: str, new: str, words: str) -> None:
    change("solver.prototxt", old, new)
    (finding,) = found()
    assert finding.severity == "warning"
    assert words in finding.message


def test_the_remedy_for_a_wrong_test_iter(folder: Path) -> None:
    change("solver.prototxt", "test_iter: 3", "test_iter: 9")
    assert found()[0].remedy == "set test_iter to 3"


def test_labels_beyond_the_classes(folder: Path) -> None:
    change("net.prototxt", "num_output: 5", "num_output: 4")
    errors = found()
    assert {finding.layer for finding in errors} == {"loss", "right"}
    assert "record 4 of the data has the label 4" in errors[0].message
    assert "set num_output of the layer that makes the scores to 5" in errors[0].remedy
    change("net.prototxt", 'top: "loss" }', 'top: "loss" loss_param { ignore_label: 4 } }')
    assert {finding.layer for finding in found()} == {"right"}


def test_an_error_in_one_phase_says_which(folder: Path) -> None:
    change("net.prototxt", 'type: "Accuracy" bottom: "ip"', 'type: "Accuracy" bottom: "ipp"')
    (error,) = check_file("net.prototxt")
    assert error.message.endswith("(phase TEST)")


def test_who_learns_nothing(folder: Path) -> None:
    side = 'layer { name: "side" type: "InnerProduct" bottom: "data" top: "side" inner_product_param { num_output: 2 } }'
    change("net.prototxt", 'layer { name: "loss"', f'{side}\nlayer {{ name: "loss"')
    (finding,) = found()
    assert (finding.severity, finding.code, finding.layer) == ("warning", "unread", "side")
    change("net.prototxt", "layer { name: \"loss\"", 'layer { name: "end" type: "Siience" bottom: "side" }\nlayer { name: "loss"')
    assert [finding.code for finding in found()] == ["graph"]  # its reader cannot be understood, but it is one


def test_two_layers_of_one_name(folder: Path) -> None:
    change("net.prototxt", 'layer { name: "loss"', 'layer { name: "ip" type: "InnerProduct" bottom: "ip" top: "ip3" '
           'inner_product_param { num_output: 5 } }\nlayer { name: "loss"')
    change("net.prototxt", '"SoftmaxWithLoss" bottom: "ip"', '"SoftmaxWithLoss" bottom: "ip3"')
    assert {(finding.code, finding.line) for finding in found()} == {("name", 6)}


def test_data_that_are_not_there(folder: Path) -> None:
    """The path is the only error: nothing is said of shapes that nobody knows."""
    change("net.prototxt", '"digits"', '"digit"')
    errors = found()
    assert [finding.code for finding in errors] == ["path", "path"]
    assert errors[0].remedy.startswith("did you mean 'digits'?")
    change("net.prototxt", "num_output: 5", "num_output: 0")
    assert sorted(finding.code for finding in found()) == ["parameter", "path", "path"]


def test_before_training(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert errors_before_training("solver.prototxt") == []
    change("solver.prototxt", "test_iter: 3", "test_iter: 2")  # a warning
    assert errors_before_training("solver.prototxt") == []
    change("net.prototxt", '"InnerProduct"', '"InerProduct"')
    with caplog.at_level(logging.ERROR, "caffe_lite"):
        tell_errors("solver.prototxt")
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        "net.prototxt:5:20: error: layer 'ip': unknown layer type: 'InerProduct' [graph]"]


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(call_for(FLAGS, ["solver.prototxt", "net.prototxt"])) == 0
    assert capsys.readouterr().out == "no problems in solver.prototxt and net.prototxt\n"
    change("solver.prototxt", "test_iter: 3", "test_iter: 2")
    assert run(call_for(FLAGS, ["solver.prototxt"])) == 0
    assert run(call_for(FLAGS, ["solver.prototxt"], strict=True)) == 1
    assert "1 warning in solver.prototxt" in capsys.readouterr().out
    change("net.prototxt", "num_output: 5", "num_output: 0")
    assert run(call_for(FLAGS, ["net.prototxt"], format="json")) == 1
    (entry,) = json.loads(capsys.readouterr().out)
    assert {**entry, "message": ""} == {
        "file": "net.prototxt", "line": 5, "column": 88, "severity": "error", "code": "parameter", "message": "",
        "remedy": "set inner_product_param { num_output: ... }", "layer": "ip"}


def test_the_command_shows_the_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change("net.prototxt", "num_output: 5", "num_outputs: 5")
    assert run(call_for(FLAGS, ["net.prototxt"])) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "net.prototxt:5:88: error: InnerProductParameter has no field num_outputs. [syntax]"
    assert lines[1].index("num_outputs") == lines[2].index("^")
    assert lines[2].strip("| ") == "^" + "~" * (len("num_outputs") - 1)
    assert lines[3].strip() == "= remedy: Did you mean num_output?"


@pytest.mark.parametrize("flags", [{"format": "xml"}, {"phase": "LEARN"}, {"stage": "deploy"}])
def test_wrong_flags(flags: dict[str, str]) -> None:
    with pytest.raises(FlagError):
        run(call_for(FLAGS, ["net.prototxt"], **flags))


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(call_for(FLAGS, ["none.prototxt"])) == 1
    assert capsys.readouterr().out.startswith("none.prototxt: error: there is no such file.")
