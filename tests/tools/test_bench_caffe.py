"""Reading Caffe's clock. ``data/bench`` holds parts of logs of BVLC Caffe 1.0."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.bench import caffe_log
from tools.bench.cases import BACKWARD, FORWARD, TRAIN, Case, prepared
from tools.bench.contestants import CONTESTANTS
from tools.bench.nets import NETS

LOGS = Path(__file__).parents[1] / "data" / "bench"
TIME = (LOGS / "time.log").read_text().splitlines()
TRAINED = (LOGS / "train.log").read_text().splitlines()


def test_mean_time() -> None:
    assert caffe_log.mean_time("Forward pass", TIME, "pair_data") == pytest.approx((24.1864 - 0.0754) / 1000)
    assert caffe_log.mean_time("Forward pass", TIME, "another") == pytest.approx(24.1864 / 1000)
    with pytest.raises(ValueError, match="no 'Average Forward pass'"):
        caffe_log.mean_time("Forward pass", TIME[:10], "pair_data")


def test_iteration_times() -> None:
    assert caffe_log.iteration_times(TRAINED) == pytest.approx([0.050828, 0.050023, 0.048811])
    assert caffe_log.first_loss(TRAINED) == 0.237993
    with pytest.raises(ValueError, match="Iteration 0"):
        caffe_log.first_loss(TRAINED[:2])


def test_midnight_and_a_year_that_is_missing() -> None:
    lines = ["I1121 23:59:59.900000  7656 solver.cpp:239] Iteration 0 (1 iter/s, 1s/1 iters), loss = 2",
             "I1122 00:00:00.150000  7656 solver.cpp:239] Iteration 1 (1 iter/s, 1s/1 iters), loss = 2"]
    assert caffe_log.iteration_times(lines) == pytest.approx([0.25])
    assert caffe_log.seconds_to("Iteration 1", lines, 86399.0) == pytest.approx(1.15)
    assert caffe_log.seconds_to("Iteration 7", lines, 0.0) is None


def load(folder: Path, mode: str, net: str = "lenet"):
    """Caffe with a case of a net, loaded."""
    with prepared(Case("nets", net, mode, 3), NETS[net].make, folder) as ready:
        yield CONTESTANTS["caffe"].load(ready.folder, mode), ready.folder


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """A Caffe that logs what it has logged once, and the words that it was last called with."""
    pytest.importorskip("h5py", reason="h5py, which writes Caffe's inputs, is not installed")
    if sys.platform == "win32":
        pytest.skip("a shell script stands in for Caffe")
    program = tmp_path / "build" / "tools" / "caffe"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho "$@" > words\ncat "{LOGS}/$1.log" >&2\n')
    program.chmod(0o755)
    monkeypatch.setenv("CAFFE_ROOT", str(tmp_path))
    return program


def test_forward_is_timed_by_caffe_time(pretended: Path, tmp_path: Path) -> None:
    for runner, folder in load(tmp_path, FORWARD):
        assert runner.run(5) == pytest.approx([0.0241864])
        assert (folder / "words").read_text() == "time -model=caffe_net.prototxt -phase=TEST -iterations=5\n"
        assert runner.first is not None


def test_the_pass_back_is_timed_by_caffe_time(pretended: Path, tmp_path: Path) -> None:
    for runner, folder in load(tmp_path, BACKWARD):
        assert runner.run(5) == pytest.approx([0.0502])
        assert (folder / "words").read_text() == "time -model=caffe_net.prototxt -phase=TRAIN -iterations=5\n"


def test_training_is_timed_by_caffe_train(pretended: Path, tmp_path: Path) -> None:
    for runner, folder in load(tmp_path, TRAIN):
        assert runner.result == np.array(0.237993)
        assert runner.run(3) == pytest.approx([0.050828, 0.050023, 0.048811])
        assert (folder / "words").read_text() == "train -solver=caffe_solver.prototxt -weights=weights.caffemodel\n"
        assert "max_iter: 4\n" in (folder / "caffe_solver.prototxt").read_text()


def test_what_caffe_complains_of(pretended: Path, tmp_path: Path) -> None:
    pretended.write_text("#!/bin/sh\necho 'I nothing' >&2\necho 'F1121 Check failed: no' >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match="Check failed: no"):
        list(load(tmp_path, FORWARD))


@pytest.mark.skipif(not os.environ.get("CAFFE_ROOT"), reason="CAFFE_ROOT names no built Caffe")
@pytest.mark.parametrize("net", ["siamese", "lenet", "cifar10_full"])
def test_the_loss_is_caffes(net: str, tmp_path: Path) -> None:
    for runner, folder in load(tmp_path, TRAIN, net):
        ours = CONTESTANTS["caffe_lite"].load(folder, TRAIN)
        assert runner.result == pytest.approx(ours.result, rel=1e-5)
