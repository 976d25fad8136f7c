"""A run: processes that take turns, and what comes out at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caffe_lite.errors import DependencyError
from tools.bench import rounds
from tools.bench.__main__ import main
from tools.bench.cases import FORWARD, Case, prepared
from tools.bench.contestants import CONTESTANTS, OURS
from tools.bench.nets import NETS
from tools.bench.process import Failed, Worker
from tools.bench.rounds import WARM, Pace, take_turns


class Pretended:
    """A worker whose iterations take this long, and that breaks down after so many turns."""

    def __init__(self, name, seconds, turns, lasts=1000):
        self.name, self.seconds, self.turns, self.lasts = name, seconds, turns, lasts

    def run(self, iterations):
        self.turns.append((self.name, iterations))
        self.lasts -= 1
        if self.lasts < 0:
            raise Failed("out of memory")
        return [self.seconds] * iterations


@pytest.fixture
def turns(monkeypatch):
    monkeypatch.setattr(rounds.time, "sleep", lambda seconds: None)
    return []


def test_turns(turns):
    workers = [Pretended("a", 0.1, turns), Pretended("b", 10.0, turns), Pretended("c", 1e-6, turns)]
    times, failed = take_turns(workers, Pace(rounds=3, seconds=0.5, threads=1))
    assert turns[:6] == [("a", WARM), ("a", 2), ("b", WARM), ("b", 2), ("c", WARM), ("c", 2)]
    assert turns[6:] == [("a", 5), ("b", 1), ("c", 500), ("b", 1), ("c", 500), ("a", 5), ("c", 500), ("a", 5), ("b", 1)]
    assert [len(times[worker]) for worker in workers] == [15, 3, 1500]
    assert failed == {}


@pytest.mark.parametrize("lasts", [0, 1, 2, 3])
def test_who_breaks_down_stops_nobody(turns, lasts):
    good, bad = Pretended("good", 0.1, turns), Pretended("bad", 0.1, turns, lasts)
    times, failed = take_turns([bad, good], Pace(rounds=3, seconds=0.1, threads=1))
    assert failed == {bad: "out of memory"}
    assert len(times[good]) == 3
    assert sum(name == "bad" for name, _ in turns) == lasts + 1  # not asked again


def test_a_worker(tmp_path):
    with (prepared(Case("nets", "lenet", FORWARD, 1), NETS["lenet"].make, tmp_path) as ready,
          Worker(CONTESTANTS[OURS], ready.folder, FORWARD, 1) as worker):
        times = worker.run(3)
        assert len(times) == 3
        assert all(0 < seconds < worker.first for seconds in times)
        assert worker.memory > 10_000_000
        assert (ready.folder / f"{OURS}.npy").exists()


def test_a_worker_that_cannot(tmp_path):
    with pytest.raises(Failed, match=r"net\.prototxt"):
        Worker(CONTESTANTS[OURS], tmp_path, FORWARD, 1)


def test_a_worker_that_dies(tmp_path):
    with (prepared(Case("nets", "lenet", FORWARD, 1), NETS["lenet"].make, tmp_path) as ready,
          Worker(CONTESTANTS[OURS], ready.folder, FORWARD, 1) as worker):
        worker._process.kill()
        with pytest.raises(Failed, match="ended with exit code"):
            worker.run(1)


def test_a_run(tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("CAFFE_ROOT", raising=False)
    pytest.importorskip("h5py", reason="without h5py Caffe is skipped for another reason")
    out = tmp_path / "out"
    argv = ["--quick", "--parts=nets", "--nets=lenet", "--modes=forward", "--batches=2", "--rounds=1", "--threads=1"]
    assert main([*argv, "--contestants=caffe_lite,caffe", f"--output={out}"]) == 0
    printed = capfd.readouterr()
    assert "1/1 lenet, forward, batch 2" in printed.err
    assert "| lenet | 2 | 0.00917 | " in printed.out
    assert "- caffe did not take part: set CAFFE_ROOT to the folder of a built Caffe" in printed.out
    assert (out / "results.md").read_text() == printed.out
    assert json.loads((out / "results.json").read_text())["timed"][0]["case"]["net"] == "lenet"
    assert (out / "times.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("kind", [DependencyError, Failed])
def test_what_was_measured_before_a_failure_is_written(kind, tmp_path, monkeypatch, capfd):
    def fail(seconds):
        raise kind("writing an LMDB needs a package")

    monkeypatch.setattr("tools.bench.data.time_pipelines", fail)
    argv = ["--quick", "--parts=nets,data", "--nets=lenet", "--modes=backward", "--batches=1", "--rounds=1"]
    assert main([*argv, "--threads=1", "--contestants=caffe_lite", f"--output={tmp_path}"]) == 1
    assert "bench: writing an LMDB needs a package" in capfd.readouterr().err
    page = (tmp_path / "results.md").read_text()
    assert "## Forward and backward" in page
    assert "| lenet | 1 | 0.0132 | " in page
    assert "- the rest did not take part: writing an LMDB needs a package" in page


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nets=lenet,vgg"], "'vgg' is none of siamese, lenet,"),
        (["--contestants=tensorflow"], "'tensorflow' is none of caffe_lite, pytorch,"),
        (["--batches=1,0"], "'0' is not a number from 1 on"),
        (["--threads=two"], "'two' is not a number from 1 on"),
    ],
)
def test_mistakes(argv, message, capfd):
    with pytest.raises(SystemExit) as error:
        main(argv)
    assert error.value.code == 2
    assert message in capfd.readouterr().err


def test_an_absent_contestant_is_told_how_to_come(monkeypatch, tmp_path):
    monkeypatch.setattr("tools.bench.contestants.find_spec", lambda name: None)
    assert CONTESTANTS["pytorch"].missing() == "not installed: pip install 'torch==2.13.0'"
    assert CONTESTANTS["opencv"].missing() == "not installed: pip install 'opencv-python-headless<5'"
    assert CONTESTANTS[OURS].missing() is None
    monkeypatch.undo()
    pytest.importorskip("h5py", reason="without h5py Caffe is missing for another reason")
    monkeypatch.setenv("CAFFE_ROOT", str(tmp_path))
    assert "has no build/tools/caffe" in CONTESTANTS["caffe"].missing()
    Path(tmp_path, "build/tools").mkdir(parents=True)
    Path(tmp_path, "build/tools/caffe").touch()
    assert CONTESTANTS["caffe"].missing() is None
