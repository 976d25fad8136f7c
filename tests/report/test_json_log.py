"""``--log_json``: what is written, and that nothing else is harmed."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.watched import train, write_net

from caffe_lite.errors import DataError
from caffe_lite.report import json_log
from caffe_lite.report.read import read_log
from caffe_lite.version import __version__


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_net()


def events(name: str = "run.json") -> list[dict[str, Any]]:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in Path(name).read_text().splitlines()]


def test_a_training(capfd: pytest.CaptureFixture[str]) -> None:
    train("--log_json=run.json")
    text = capfd.readouterr().err
    found = events()
    assert [(entry["event"], entry["iter"]) for entry in found] == [
        ("start", 0), ("test", 0), ("train", 0), ("train", 2), ("snapshot", 4), ("test", 4), ("train", 4),
        ("snapshot", 6), ("train", 6), ("end", 6)]  # fmt: skip
    start, test, first, second, snapshot = found[:5]
    assert (start["net"], start["max_iter"], start["solver"], start["random_seed"]) == ("tiny", 6, "SGD", 3)
    assert start["versions"]["caffe_lite"] == __version__
    assert start["versions"]["numpy"] == np.__version__
    assert start["resumed"] is None
    assert set(test["outputs"]) == {"accuracy", "loss"}
    assert test["losses"] == ["loss"]
    assert first["lr"] == 0.05
    assert first["iter_per_s"] is None
    assert second["iter_per_s"] > 0
    assert snapshot["state"] == "s_iter_4.solverstate"
    assert (found[-1]["reason"], found[-1]["error"]) == ("finished", None)
    assert [entry["seconds"] for entry in found] == sorted(entry["seconds"] for entry in found)
    (run,), logged = read_log("run.json"), re.findall(r"Iteration \d.*, loss = (\S+)", text)
    assert [f"{value:g}" for value in run.loss.values] == logged
    Path("train.log").write_text(text)
    (same,) = read_log("train.log")
    assert same.test[0]["accuracy"].values == pytest.approx(run.test[0]["accuracy"].values, rel=1e-5)
    assert same.rate.values == run.rate.values


def test_the_log_stays_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    train()
    plain = capfd.readouterr().err
    for path in Path().glob("s_iter*"):
        path.unlink()
    train("--log_json=run.json", "--tensorboard=board")
    watched = capfd.readouterr().err

    def messages(text: str) -> list[str]:
        lines = [re.sub(r"^[IWEF]\S+ \S+ +\d+ |\(\S+ iter/s, \S+s/", "", line) for line in text.splitlines()]
        return [line for line in lines if "Compiling" not in line and "pool.py" not in line]

    assert messages(watched) == messages(plain)
    assert "\x1b" not in watched


def test_going_on_in_the_same_file() -> None:
    train("--log_json=run.json")
    before = Path("run.json").read_bytes()
    with open("run.json", "ab") as file:
        file.write(b'{"event": "train", "iter": 9, "lo')  # the process was killed in the middle of it
    train("--log_json=run.json", "--snapshot=s_iter_4.solverstate")
    assert Path("run.json").read_bytes().startswith(before)
    found = events()
    again = found[len(before.splitlines()) :]
    assert (again[0]["event"], again[0]["iter"], again[0]["resumed"]) == ("start", 4, "s_iter_4.solverstate")
    assert again[-1]["reason"] == "finished"
    assert len(read_log("run.json")) == 2


def test_a_long_last_line_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_log, "_PIECE", 7)
    Path("run.json").write_bytes(json_log.BEGINNING + b"}\n" + b"x" * 100)
    json_log._open("run.json").close()
    assert Path("run.json").read_bytes() == json_log.BEGINNING + b"}\n"
    Path("run.json").write_bytes(json_log.BEGINNING + b"x" * 100)
    json_log._open("run.json").close()
    assert Path("run.json").read_bytes() == b""


def test_another_file_is_left_alone() -> None:
    before = Path("solver.prototxt").read_bytes()
    train("--log_json=solver.prototxt", code=1)
    assert Path("solver.prototxt").read_bytes() == before
    with pytest.raises(DataError, match=r'solver\.prototxt.*expected \{"event": "start" at its beginning'):
        json_log._open("solver.prototxt")


def test_a_folder_that_is_missing(capfd: pytest.CaptureFixture[str]) -> None:
    train("--log_json=none/run.json", code=1)
    assert "none/run.json: No such file or directory" in capfd.readouterr().err


def test_a_training_that_diverges() -> None:
    Path("solver.prototxt").write_text(Path("solver.prototxt").read_text().replace("0.05", "1e30"))
    train("--log_json=run.json", code=1)
    end = events()[-1]
    assert (end["event"], end["reason"]) == ("end", "failed")
    assert "the loss is" in end["error"]
    train("--log_json=on.json", "--on_nan=continue")
    assert None in [entry["loss"] for entry in events("on.json") if entry["event"] == "train"]


def test_a_full_disk_does_not_end_the_training(caplog: pytest.LogCaptureFixture) -> None:
    class Full:
        def write(self, line: bytes) -> None:
            raise OSError(28, "No space left on device")

    writer = json_log._JsonLog(Full(), "run.json")  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        writer.put("train", 1)
        writer.put("train", 2)
    assert caplog.messages == ["run.json: cannot be written any more: No space left on device. Training goes on without it"]
