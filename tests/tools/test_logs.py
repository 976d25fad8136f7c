"""What makes tables and charts of training logs.

``data/logs/*.log.train`` and ``*.log.test`` are what Caffe's ``parse_log.py`` makes of the logs beside them, their years
taken out, which it does not understand.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caffe_lite.errors import DataError

LOGS = Path(__file__).parents[1] / "data" / "logs"
EXTRA = Path(__file__).parents[2] / "tools" / "extra"
NAMES = ("training_finetuned", "training_resumed")


def line(text, time="10:00:00.500000", day="1121"):
    return f"I{day} {time}  7656 solver.cpp:347] {text}\n"


@pytest.fixture(params=[True, False], ids=["with year", "without"])
def logs(request, tmp_path):
    """The recorded logs as newer and as older glog writes them."""
    for name in NAMES:
        text = (LOGS / f"{name}.log").read_text()
        (tmp_path / f"{name}.log").write_text(text if request.param else re.sub("^I2026", "I", text, flags=re.M))
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_the_csv_files_are_caffes(extra, logs, name, capsys):
    assert extra.run("parse_log", logs / f"{name}.log", logs, "--verbose") == 0
    for ending in ("train", "test"):
        made = logs / f"{name}.log.{ending}"
        assert made.read_bytes() == (LOGS / made.name).read_bytes()
        assert f"Wrote {made}\n" in capsys.readouterr().out or ending == "test"


def test_another_delimiter_and_no_tests(extra, tmp_path, capsys):
    log = tmp_path / "train.log"
    log.write_text(line("Solving x") + line("Iteration 0, loss = 2") + line("    Train net output #0: loss = nan"))
    assert extra.run("parse_log", log, tmp_path, "--delimiter", ";", "--verbose") == 0
    assert (tmp_path / "train.log.train").read_text() == "NumIters;Seconds;LearningRate;loss\n0.0;0.0;nan;nan\n"
    assert f"Not writing {log}.test; no lines to write" in capsys.readouterr().out


def test_rows_of_different_lengths(extra, tmp_path):
    """As in Caffe a row is over when it is as long as the first; what comes after is another row."""
    lines = ["Solving x", "Iteration 0, Testing net (#0)", "    Test net output #0: a = 1",
             "Iteration 5, Testing net (#0)", "    Test net output #0: a = 2", "Iteration 5, lr = 0.25",
             "Iteration 9, Testing net (#0)", "    Test net output #0: a = 3", "    Test net output #1: b = -1e-3"]  # fmt: skip
    log = tmp_path / "x.log"
    log.write_text("".join(map(line, lines)))
    train, test = extra.parse_log.parse_log(log)
    assert train == []
    assert [(row["NumIters"], row.get("a"), row.get("b")) for row in test] == [
        (0, 1, None), (5, 2, None), (9, 3, None), (9, None, -1e-3)
    ]  # fmt: skip
    assert test[2]["LearningRate"] == 0.25
    extra.parse_log.save_csv_files(log, tmp_path, train, test)
    lines = (tmp_path / "x.log.test").read_bytes().split(b"\r\n")
    assert (lines[0], lines[-3:]) == (b"NumIters,Seconds,LearningRate,a,b",
                                      [b"9.0,0.0,0.25,3.0,", b"9.0,0.0,0.25,,-0.001", b""])


def test_the_first_row_gets_the_learning_rate_of_the_second(extra, tmp_path):
    lines = ["Solving x", "Iteration 0, loss = 7", "Train net output #0: loss = 7", "Iteration 0, lr = 0.5",
             "Iteration 1, loss = 6", "Train net output #0: loss = 6", "Iteration 1, lr = 0.25",
             "Iteration 2, loss = 5", "Train net output #0: loss = 5"]  # fmt: skip
    log = tmp_path / "x.log"
    log.write_text("".join(map(line, lines)))
    assert [row["LearningRate"] for row in extra.parse_log.parse_log(log)[0]] == [0.5, 0.5, 0.25]


def test_a_training_in_python_has_no_line_of_its_beginning(extra, tmp_path):
    log = tmp_path / "x.log"
    log.write_text(line("Iteration 0, loss = 1") + line("    Train net output #0: loss = 1", "10:00:02.000000"))
    assert [row["Seconds"] for row in extra.parse_log.parse_log(log)[0]] == [1.5]


@pytest.mark.parametrize("script", ["parse_log", "extract_seconds", "log_tables"])
def test_logs_without_a_training(extra, tmp_path, script, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.log").write_text(line("Use CPU."))
    more = () if script == "log_tables" else ("out",)
    assert extra.run(script, "x.log", *more) == 1
    assert "x.log: Start time not found" in capsys.readouterr().err
    assert extra.run(script, "nowhere.log", *more) == 1
    assert "No such file or directory: 'nowhere.log'" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x.log"]


def test_seconds(extra, tmp_path):
    log, out = tmp_path / "x.log", tmp_path / "seconds"
    log.write_text(line("Iteration 7 is before") + line("Solving x", "23:59:59.000000", "1231") + "Iteration\n"
                   + line("Iteration 0", "23:59:59.250000", "1231") + line("other") + line("Iteration 1", "00:00:02.000000", "0101"))
    assert extra.run("extract_seconds", log, out) == 0
    assert out.read_text() == "0.250000\n3.000000\n"
    assert extra.run("extract_seconds", log) == 1


def test_seconds_as_scripts_use_the_parts(extra):
    at = extra.extract_seconds.extract_datetime_from_line(line("x", "01:02:03.000004", "0229"), 2024)
    assert str(at) == "2024-02-29 01:02:03.000004"
    with pytest.raises(ValueError, match="expected a line such as"):
        extra.extract_seconds.extract_datetime_from_line("Solving", 2024)
    assert extra.extract_seconds.get_start_time(["x", line("Solving net")], 2001).year == 2001
    assert extra.extract_seconds.get_start_time(["x"], 2001) is None


def test_tables(logs):
    """``parse_log.sh``: the values of Caffe's, and ``nan`` where that leaves a gap."""
    command = [EXTRA / "parse_log.sh", logs / "training_finetuned.log"]
    done = subprocess.run(command, cwd=logs, env={"PYTHON": sys.executable}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert (logs / "training_finetuned.log.test").read_text() == (
        "#Iters Seconds TestAccuracy TestLoss\n"
        "0   0.000034  0.326  1.86297\n20  0.016103  0.558  1.53695\n40  0.031367  0.664  1.04686\n"
    )
    train = (logs / "training_finetuned.log.train").read_text().splitlines()
    assert (len(train), train[0]) == (42, "#Iters Seconds TrainingLoss LearningRate")
    assert [train[1].split(), train[41].split()] == [["0", "0.006170", "1.76904", "0.01"], ["40", "0.031351", "0.806375", "0.01"]]


def test_a_table_of_a_log_without_accuracy(extra, logs):
    test = extra.log_tables.read_tables(logs / "training_resumed.log")["Test"]
    assert test == [["20", "0.000735", "nan", "0.0632496"], ["40", "1.276109", "nan", "0.0642022"]]


def test_only_the_first_test_net_counts(extra, tmp_path):
    log = tmp_path / "x.log"
    log.write_text("".join(map(line, [
        "Solving x", "Iteration 3, Testing net (#0)", "Test net output #0: a = 1", "Test net output #1: b = 2",
        "Iteration 3, Testing net (#1)", "Test net output #0: loss = 3 (* 1 = 3 loss)"])))  # fmt: skip
    assert extra.log_tables.read_tables(log) == {"Train": [], "Test": [["3", "0.000000", "1", "nan"]]}


@pytest.mark.parametrize("chart", range(8))
def test_charts(extra, logs, chart):
    picture = logs / "chart.svg"
    shutil.copy(logs / "training_finetuned.log", logs / "__other.log")
    assert extra.run("plot_training_log", chart, picture, logs / "training_finetuned.log", logs / "__other.log") == 0
    drawn = picture.read_text()
    title = extra.plot_training_log.get_supported_chart_types()[chart]
    for text in (title.split()[0], title.split()[-1], "training_finetuned", "other"):
        assert text in drawn


def test_the_points_of_charts(extra, logs):
    load, log = extra.plot_training_log.load_data, str(logs / "training_finetuned.log")
    assert extra.plot_training_log.get_supported_chart_types() == [
        "Test accuracy  vs. Iters", "Test accuracy  vs. Seconds", "Test loss  vs. Iters", "Test loss  vs. Seconds",
        "Train learning rate  vs. Iters", "Train learning rate  vs. Seconds",
        "Train loss  vs. Iters", "Train loss  vs. Seconds",
    ]  # fmt: skip
    assert load(0, log) == ([0, 20, 40], [0.326, 0.558, 0.664])
    assert load(3, log) == ([0.000034, 0.016103, 0.031367], [1.86297, 1.53695, 1.04686])
    assert load(4, log)[1] == [0.01] * 41
    assert load(6, log)[0] == list(range(41))
    with pytest.raises(DataError, match=r"training_resumed\.log: no test accuracy in this log"):
        load(0, str(logs / "training_resumed.log"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Usage:\n    ./plot_training_log.py chart_type[0-7] /where/to/save.png"),
        (["8", "x.png", "x.log"], "8 is not a valid chart type."),
        (["one", "x.png", "x.log"], "one is not a valid chart type."),
        (["1", "x.bmp", "x.log"], "plot_training_log.py: x.bmp"),
        (["1", "x.png", "x.log"], "plot_training_log.py: [Errno 2] No such file or directory: 'x.log'"),
    ],
)
def test_charts_that_cannot_be(extra, args, message, capsys):
    assert extra.run("plot_training_log", *args) == 1
    assert message in "".join(capsys.readouterr())


def test_the_name_caffe_has_for_the_script():
    assert (EXTRA / "plot_training_log.py.example").read_bytes() == (EXTRA / "plot_training_log.py").read_bytes()


PIECES = ["I1121 10:00:00.500000  7 a:1] ", "I0230 10:00:00.500000 ", "Solving x", "Iteration 3", ", loss = ", "lr = ", "0.5", ".e-",
          "Train net output #0: x = ", "Test net output #1: x = ", ", Testing net (#0)", "\n"]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40))
def test_any_text_is_read(extra, tmp_path, pieces):
    log = tmp_path / "x.log"
    log.write_text("".join(["I1121 09:00:00.500000  7 a:1] Solving\n", *pieces]), encoding="utf-8", errors="replace")
    extra.parse_log.save_csv_files(log, tmp_path, *extra.parse_log.parse_log(log))
    for kind, rows in extra.log_tables.read_tables(log).items():
        assert all(len(row) == 4 for row in rows), kind
        assert extra.log_tables.aligned("head", rows).startswith("head\n")
