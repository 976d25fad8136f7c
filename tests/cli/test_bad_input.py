"""Mistakes of the user, made with the installed command: one clear line, exit code 1, no traceback."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.runs import write_run

from caffe_lite.solvers import read_solver

COMMAND = Path(sys.executable).with_name("caffe_lite")
LINE = re.compile(r"F\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.py:\d+\] ")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the siamese databases and files, trained for an iteration."""
    folder = tmp_path_factory.mktemp("trained")
    write_run(folder, "siamese")
    here = os.getcwd()
    os.chdir(folder)
    try:
        solver = read_solver("solver.prototxt", max_iter=1, snapshot=0, test_initialization=False)
        solver.solve()
        solver.close()
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A copy of it to break."""
    for path in trained.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def replace(name, old, new):
    text = Path(name).read_text()
    assert old in text
    Path(name).unlink()
    Path(name).write_text(text.replace(old, new, 1))


def fails(*args):
    """Run the command, which must fail with one F line; returns its text."""
    before = sorted(os.listdir())
    done = subprocess.run([COMMAND, *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    fatal = [line for line in done.stderr.splitlines() if LINE.match(line)]
    assert len(fatal) == 1, done.stderr
    assert sorted(os.listdir()) == before, "something half-written stayed behind"
    return done.stderr[done.stderr.index(fatal[0]):]


def train(*args):
    return fails("train", "--solver=solver.prototxt", *args)


def test_a_missing_solver(folder):
    assert "none.prototxt" in fails("train", "--solver=none.prototxt")


def test_a_missing_net(folder):
    replace("solver.prototxt", 'net: "net.prototxt"', 'net: "nett.prototxt"')
    assert "nett.prototxt" in train()


def test_a_typo_in_a_field(folder):
    replace("net.prototxt", "kernel_size: 5", "kernel_sise: 5")
    text = train()
    assert re.search(r"net\.prototxt:\d+:\d+: .*kernel_sise", text)
    assert "kernel_size" in text
    assert "    kernel_sise: 5" in text
    assert "^" in text


def test_a_typo_in_the_solver(folder):
    replace("solver.prototxt", "base_lr", "base_rl")
    text = train()
    assert re.search(r"solver\.prototxt:\d+:\d+: .*base_rl", text)
    assert "base_lr" in text


def test_an_unknown_layer(folder):
    replace("net.prototxt", '"Pooling"', '"Pooing"')
    assert re.search(r"layer 'pool1': unknown layer type: 'Pooing'; did you mean Pooling", train())


def test_a_bottom_nobody_produces(folder):
    replace("net.prototxt", 'bottom: "pool1"', 'bottom: "pool9"')
    assert "Unknown bottom blob 'pool9' (layer 'conv2', bottom index 0)" in train()


def test_shapes_that_do_not_match(folder):
    replace("net.prototxt", "num_output: 20", "num_output: 30")
    text = train()
    assert "layer 'conv1_p' (Convolution): cannot share param 'conv1_w' owned by layer 'conv1'" in text
    assert "30 1 5 5 (750)" in text
    assert "20 1 5 5 (500)" in text


def test_features_that_do_not_match(folder):
    replace("net.prototxt", 'bottom: "feat"', 'bottom: "ip2"')
    text = train()
    assert "layer 'loss' (ContrastiveLoss)" in text
    assert "(64, 10)" in text
    assert "(64, 2)" in text


def test_no_such_database(folder):
    Path("data").unlink()
    text = train()
    assert "layer 'pair_data'" in text
    assert "data/siamese_train" in text


def test_a_database_that_is_none(folder):
    Path("data").unlink()
    Path("data/siamese_train").mkdir(parents=True)
    Path("data/siamese_train/readme.txt").write_text("nothing here")
    assert "data/siamese_train" in train()


def test_a_locked_database(folder):
    plyvel = pytest.importorskip("plyvel", reason="only a LevelDB is locked")
    db = plyvel.DB("data/siamese_train")
    db.put(b"x", b"y")  # who only reads is no hindrance
    try:
        text = train()
    finally:
        db.close()
    assert "data/siamese_train" in text
    assert "another process" in text


def test_truncated_weights(folder):
    data = Path("snap_iter_1.caffemodel").read_bytes()
    Path("cut.caffemodel").write_bytes(data[: len(data) // 2])
    assert "cut.caffemodel is not a whole .caffemodel" in train("--weights=cut.caffemodel")
    assert "cut.caffemodel" in fails("test", "--model=net.prototxt", "--weights=cut.caffemodel", "--iterations=1")


def test_truncated_state(folder):
    data = Path("snap_iter_1.solverstate").read_bytes()
    Path("cut.solverstate").write_bytes(data[: len(data) // 2])
    assert "cut.solverstate is not a whole .solverstate" in train("--snapshot=cut.solverstate")


def test_weights_given_as_a_state(folder):
    text = train("--snapshot=snap_iter_1.caffemodel")
    assert "snap_iter_1.caffemodel is not a whole .solverstate" in text
    assert "--weights" in text


def test_a_state_given_as_weights(folder):
    assert "snap_iter_1.solverstate" in train("--weights=snap_iter_1.solverstate")


def test_weights_that_are_not_there(folder):
    assert "none.caffemodel: there is no such file of weights" in train("--weights=none.caffemodel")


def test_weights_of_another_net(folder):
    replace("net.prototxt", "num_output: 500", "num_output: 400")
    replace("net.prototxt", "num_output: 500", "num_output: 400")
    text = train("--weights=snap_iter_1.caffemodel")
    assert "Cannot copy param 0 weights from layer 'ip1'; shape mismatch" in text
    assert "500 800 (400000)" in text
    assert "400 800 (320000)" in text


def test_a_snapshot_folder_that_is_not_there(folder):
    replace("solver.prototxt", '"snap"', '"no/where/snap"')
    assert "Cannot write to snapshot prefix 'no/where/snap'" in train()


def test_strict_gpu(folder):
    replace("solver.prototxt", "solver_mode: CPU", "solver_mode: GPU")
    assert "GPU" in train("--strict_gpu")
