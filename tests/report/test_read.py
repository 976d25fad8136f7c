"""Logs as files: whole, growing, replaced, in folders, of lines of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caffe_lite.errors import DataError
from caffe_lite.report.read import Log, read_log

HEAD = "I1121 19:31:49.430888  7656 solver.cpp:347] "


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_log_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    log = Log(path)
    with pytest.raises(DataError, match=r"train\.log: cannot read the log: No such file"):
        log.read()
    append(path, f"{HEAD}Solving x\n{HEAD}Iteration 0, lo")
    assert log.read()
    assert log.runs == []
    append(path, "ss = 7\n")
    assert log.read()
    assert not log.read()
    append(path, f"{HEAD}Iteration 5, loss = 3")
    assert log.read()
    (run,) = log.runs
    assert run.loss.values == [7.0]
    assert not log.ended
    append(path, f"\n{HEAD}Optimization Done.\n")
    log.read()
    assert run.loss.values == [7.0, 3.0]
    assert log.ended
    append(path, f"{HEAD}Solving x\n")
    log.read()
    assert not log.ended
    append(path, "F1121 19:31:49.430888  7656 train.py:1] the disk is full\n")
    log.read()
    assert log.ended


def test_a_log_that_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text(f"{HEAD}Iteration 0, loss = 7\n{HEAD}Iteration 1, loss = 6\n")
    log = Log(path)
    log.read()
    path.write_text(f"{HEAD}Iteration 0, loss = 5\n")  # shorter
    assert log.read()
    assert [run.loss.values for run in log.runs] == [[5.0]]
    path.rename(tmp_path / "old.log")
    path.write_text(f"{HEAD}Iteration 0, loss = 4\n{HEAD}Iteration 1, loss = 3\n{HEAD}Iteration 2, loss = 2\n")
    assert log.read()
    assert [run.loss.values for run in log.runs] == [[4.0, 3.0, 2.0]]


def test_the_last_line_counts_where_it_has_no_end(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text(f"{HEAD}Iteration 5, loss = 3")
    (run,) = read_log(tmp_path / "x.log")
    assert run.loss.values == [3.0]


def test_a_folder_of_logs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder without one that --log_dir has made"):
        read_log(tmp_path)
    for i, name in enumerate(("caffe_lite.h.me.log.INFO.1.2", "caffe_lite.h.me.log.INFO.1.3")):
        (tmp_path / name).write_text(f"Log file created at: x\n{HEAD}Iteration 0, loss = {i}\n")
    (tmp_path / "caffe_lite.INFO").symlink_to("caffe_lite.h.me.log.INFO.1.2")
    assert read_log(tmp_path)[0].loss.values == [0.0]
    (tmp_path / "caffe_lite.INFO").unlink()
    assert read_log(tmp_path)[0].loss.values[0] in (0.0, 1.0)


def entry(event: str, iteration: int, **fields: object) -> str:
    return json.dumps({"event": event, "iter": iteration, "time": "", "seconds": iteration / 4, **fields}) + "\n"


def test_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(
        entry("start", 0, net="small")
        + entry("test", 0, net=1, outputs={"each": [0.1, 0.2], "cost": 3.0}, losses=["cost"])
        + entry("train", 0, loss=None, lr=0.5, outputs={"cost": None}, losses=["cost"])
        + '{"event": "train", "iter": 4, "sec\n'
        + "[1, 2]\n"
        + entry("train", 8, loss=1.5, lr=None, outputs={}, losses=[])
        + entry("snapshot", 8, state="x")
    )
    log = Log(path)
    log.read()
    (run,) = log.runs
    assert run.net == "small"
    assert run.loss.iterations == [0, 8]
    assert run.loss.values[0] != run.loss.values[0]  # NaN
    assert run.loss.values[1] == 1.5
    assert run.loss.seconds == [0, 2]
    assert run.rate.values == [0.5]
    assert run.test[1]["each"].values == [0.1]
    assert run.test[1]["each[1]"].values == [0.2]
    assert (run.test[1]["cost"].loss, run.test[1]["each"].loss, run.train["cost"].loss) == (True, False, True)
    assert not log.ended
    append(path, entry("end", 8, reason="finished", error=None))
    log.read()
    assert log.ended
