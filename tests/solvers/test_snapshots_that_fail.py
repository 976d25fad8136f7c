"""A snapshot that cannot be written does not end a training, and takes nothing away."""

import errno
import logging
import os
import shutil
from pathlib import Path

import pytest
from support.layers import input_layers

from caffe_lite import schema
from caffe_lite.commands import call_for
from caffe_lite.commands.caffe import FLAGS
from caffe_lite.commands.train import run
from caffe_lite.errors import FlagError, SchemaError, SnapshotError
from caffe_lite.solvers import Action, Solver

NET = input_layers(x=(4, 3), t=(4,)) + """
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
"""
SOLVER = ('base_lr: 0.1 lr_policy: "fixed" max_iter: 7 snapshot: 2 random_seed: 3 snapshot_prefix: "out/snap" net: "net.prototxt" '
          "test_iter: 1 test_interval: 3 ")


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text(SOLVER)


def make():
    return Solver(schema.parse_text(SOLVER, schema.SolverParameter))


def names():
    return sorted(path.name.removeprefix("snap_iter_") for path in Path("out").iterdir())


def triples(*iterations):
    return sorted(f"{i}.{kind}" for i in iterations for kind in ("caffemodel", "resume", "solverstate"))


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


def full_disk(monkeypatch, broken):
    """Nothing can be flushed while ``broken()``."""
    fsync = os.fsync

    def flush(handle):
        if broken():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return fsync(handle)

    monkeypatch.setattr(os, "fsync", flush)


def test_training_goes_on(monkeypatch, caplog):
    solver = make()
    full_disk(monkeypatch, lambda: solver.iter == 4)
    solver.solve()
    assert solver.iter == 7
    assert not solver.snapshot_failed
    assert names() == triples(2, 6, 7)
    assert errors(caplog) == ["Cannot write the snapshot out/snap_iter_4.caffemodel: No space left on device. Training goes on; the "
                              "last good snapshot: out/snap_iter_2.solverstate"]


def test_an_exit_code_if_the_last_one_failed(monkeypatch, caplog):
    seen = []
    full_disk(monkeypatch, lambda: bool(seen.append(1)) or len(seen) > 12)  # two snapshots: each six times
    assert run(call_for(FLAGS, solver="solver.prototxt")) == 1
    assert names() == triples(2, 4)
    assert errors(caplog)[-1] == "The last snapshot could not be written"


def test_the_one_at_the_end_is_tried_again(monkeypatch):
    """max_iter 6 is a multiple of snapshot: 2, so that Caffe would not write another one."""
    Path("solver.prototxt").write_text(SOLVER.replace("max_iter: 7", "max_iter: 6"))
    seen = []
    full_disk(monkeypatch, lambda: bool(seen.append(1)) or len(seen) == 13)
    assert run(call_for(FLAGS, solver="solver.prototxt")) == 0
    assert names() == triples(2, 4, 6)


def test_a_folder_that_vanishes(caplog):
    solver = make()
    solver.action = lambda: Action.NONE if solver.iter != 4 else shutil.rmtree("out", True) or Action.NONE
    solver.solve()
    assert solver.snapshot_failed
    assert [line.partition(". ")[0] for line in errors(caplog)] == [
        f"Cannot write the snapshot out/snap_iter_{i}.caffemodel: No such file or directory" for i in (4, 6, 7)]


def test_a_folder_that_may_not_be_written_to(caplog):
    """As a file system that was remounted read-only; root is not kept out by permissions, so the name is a folder."""
    Path("out/snap_iter_4.caffemodel").mkdir()
    solver = make()
    solver.solve()
    assert not solver.snapshot_failed
    assert names() == sorted([*triples(2, 6, 7), "4.caffemodel"])
    assert errors(caplog)[0].startswith("Cannot write the snapshot out/snap_iter_4.caffemodel: ")


def test_during_a_test(monkeypatch, caplog):
    solver = make()
    asked = []
    solver.action = lambda: Action.SNAPSHOT if solver.iter == 3 and not asked.append(1) and len(asked) == 2 else Action.NONE
    full_disk(monkeypatch, lambda: solver.iter == 3)
    solver.solve()
    assert solver.iter == 7
    assert len(errors(caplog)) == 1


def test_a_program_that_asks_for_one_gets_the_error(monkeypatch):
    solver = make()
    full_disk(monkeypatch, lambda: True)
    with pytest.raises(SnapshotError, match=r"Cannot write the snapshot out/snap_iter_0\.caffemodel: No space left"):
        solver.snapshot()
    assert names() == []


def test_weights_that_are_more_than_a_message_holds(monkeypatch, caplog):
    """What protobuf says of messages of 2 GB."""

    def refuse(message, path):
        raise SchemaError(f"{path}: this NetParameter cannot be written: Failed to serialize proto")

    monkeypatch.setattr(schema, "to_bytes", refuse)
    with pytest.raises(SnapshotError, match="^Cannot write the snapshot out/snap_iter_0.caffemodel: this NetParameter cannot be"):
        make().snapshot()
    assert names() == []


def test_only_the_last_are_kept():
    assert run(call_for(FLAGS, solver="solver.prototxt", snapshot_keep=2)) == 0
    assert names() == triples(6, 7)
    with pytest.raises(FlagError, match="--snapshot_keep=-1: give how many snapshots to keep, or 0 for all"):
        run(call_for(FLAGS, solver="solver.prototxt", snapshot_keep=-1))


def test_a_failed_one_takes_no_old_one_away(monkeypatch):
    solver = make()
    solver.snapshots.keep = 1
    full_disk(monkeypatch, lambda: solver.iter > 4)
    solver.solve()
    assert names() == triples(4)


def test_auto(caplog):
    caplog.set_level(logging.INFO)
    assert run(call_for(FLAGS, solver="solver.prototxt", snapshot="auto")) == 0
    assert "There is no whole snapshot out/snap_iter_*.solverstate: starting afresh" in caplog.text
    expected = Path("out/snap_iter_7.caffemodel").read_bytes()
    for name in triples(7):
        Path(f"out/snap_iter_{name}").unlink()
    Path("out/snap_iter_6.solverstate").write_bytes(b"half")
    Path("out/snap_iter_6.caffemodel.abcdefgh.tmp").touch()
    caplog.clear()
    assert run(call_for(FLAGS, solver="solver.prototxt", snapshot="auto", weights="out/snap_iter_2.caffemodel")) == 0
    assert "Passing over out/snap_iter_6.solverstate" in caplog.text
    assert "Resuming from out/snap_iter_4.solverstate" in caplog.text
    assert "Removed out/snap_iter_6.caffemodel.abcdefgh.tmp" in caplog.text
    assert Path("out/snap_iter_7.caffemodel").read_bytes() == expected


def test_auto_with_weights_to_start_from(caplog):
    caplog.set_level(logging.INFO)
    run(call_for(FLAGS, solver="solver.prototxt"))
    shutil.copy("out/snap_iter_7.caffemodel", "w.caffemodel")
    shutil.rmtree("out")
    Path("out").mkdir()
    caplog.clear()
    assert run(call_for(FLAGS, solver="solver.prototxt", snapshot="auto", weights="w.caffemodel")) == 0
    assert "Finetuning from w.caffemodel" in caplog.text
    assert "Resuming" not in caplog.text
