"""Training logs of Caffe's and ours, whole, joined, cut and damaged.

``data/logs/training_*.log`` are from BVLC Caffe 1.0 (9b89154), from the line "Starting Optimization" on:
``training_resumed`` goes on from iteration 20 of the siamese net, ``training_finetuned`` is a classifier.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.errors import DataError
from caffe_lite.report.log import parse_log
from caffe_lite.report.read import read_log

LOGS = Path(__file__).parents[1] / "data" / "logs"


def header(time: str = "19:31:49.430888", day: str = "1121") -> str:
    return f"I{day} {time}  7656 solver.cpp:347] "


def test_a_recorded_classifier() -> None:
    (run,) = read_log(LOGS / "training_finetuned.log")
    assert run.net == "small"
    assert run.loss.iterations == list(range(41))  # the last is what it says after the training
    assert (run.loss.values[0], run.loss.values[40]) == (1.76904, 0.806375)
    assert run.rate.values == [0.01] * 40
    assert list(run.train) == ["loss"]
    assert run.test[0]["accuracy"].iterations == [0, 20, 40]
    assert run.test[0]["accuracy"].values == [0.326, 0.558, 0.664]
    assert run.test[0]["loss"].values == [1.86297, 1.53695, 1.04686]
    assert run.test[0]["loss"].loss
    assert not run.test[0]["accuracy"].loss
    assert run.loss.seconds[0] == pytest.approx(0.006170)  # 48.383354 - 48.377184
    assert run.loss.seconds[40] == pytest.approx(0.031351)


def test_a_recorded_resumption() -> None:
    (run,) = read_log(LOGS / "training_resumed.log")
    assert run.loss.iterations == list(range(20, 41))
    assert run.rate.values[:2] == [0.00998503, 0.00998428]
    assert run.test[0]["loss"].values == [0.0632496, 0.0642022]


def test_runs_in_one_file(tmp_path: Path) -> None:
    joined = tmp_path / "two.log"
    joined.write_text("".join((LOGS / f"training_{name}.log").read_text() for name in ("finetuned", "resumed")))
    first, second = read_log(joined)
    assert (first.net, second.net) == ("small", "mnist_siamese_train_test")
    assert [len(first.loss.values), len(second.loss.values)] == [41, 21]
    assert second.loss.seconds[0] == pytest.approx(0.240302)  # counted from its own start


def test_older_lines_and_a_log_without_its_head() -> None:
    (run,) = parse_log([f"{header()}Iteration 100, loss = 0.5\n", f"{header()}Iteration 100, lr = 1e-05\n"])
    assert (run.net, run.loss.iterations, run.loss.values, run.rate.values) == ("", [100], [0.5], [1e-05])


def test_several_test_nets_and_blobs_of_several_numbers() -> None:
    lines = [
        "Iteration 0, Testing net (#0)",
        "Test net output #0: each = 0.1",
        "Test net output #1: each = 0.2",
    ]
    lines += ["Iteration 0, Testing net (#1)", "Test net output #0: a = b = 0.3 (* 2 = 0.6 loss)"]
    lines += [
        "Iteration 9, Testing net (#0)",
        "Test net output #0: each = 0.4",
        "Test net output #1: each = 0.5",
    ]
    (run,) = parse_log(header() + line for line in lines)
    assert {name: series.values for name, series in run.test[0].items()} == {
        "each": [0.1, 0.4],
        "each[1]": [0.2, 0.5],
    }
    assert run.test[1]["a = b"].values == [0.3]
    assert run.test[1]["a = b"].loss


def test_losses_that_are_no_numbers() -> None:
    (run,) = parse_log(
        f"{header()}Iteration {i}, loss = {text}\n" for i, text in enumerate(["nan", "-nan", "inf", "1."])
    )
    assert [math.isnan(value) for value in run.loss.values] == [True, True, False, False]
    assert run.loss.values[2:] == [math.inf, 1.0]


def test_lines_that_are_cut_or_written_over() -> None:
    lines = [
        "Iteration 1, loss = ",
        "Iteration 2, loss = 0.I1121",
        "Iteration 3, lo",
        "Iteration 3, loss = 7",
        "] Solving",
    ]
    (run,) = parse_log([header() + line for line in lines] + ["\0\xff Iteration 4 net output #"])
    assert (run.loss.iterations, run.loss.values) == ([3], [7.0])


@pytest.mark.parametrize(
    ("begin", "end", "seconds"),
    [
        (header("23:59:59.000000"), header("00:00:01.500000", "1122"), 2.5),
        (header("23:59:59.000000", "1231"), header("00:00:01.500000", "0101"), 2.5),
        (header("23:59:59.000000", "20231231"), header("00:00:01.500000", "20240101"), 2.5),
        (header(day="0228"), header(day="0301"), 2 * 86400),  # of a leap year
        (header(day="1301"), header(day="1121"), 0),  # no such month
        ("", "", 0),
    ],
)
def test_wall_time(begin: str, end: str, seconds: float) -> None:
    (run,) = parse_log([f"{begin}] Solving x", f"{end}Iteration 5, loss = 1"], year=2000)
    assert run.loss.seconds == [seconds]


def test_no_training(tmp_path: Path) -> None:
    (tmp_path / "other.log").write_text("I1121 19:31:49.430888 1 caffe.cpp:275] Use CPU.\n] Solving x\n")
    with pytest.raises(DataError, match=r"other\.log: no training in this log.*tee"):
        read_log(tmp_path / "other.log")
    with pytest.raises(DataError, match=r"none\.log: cannot read the log: No such file"):
        read_log(tmp_path / "none.log")
    with pytest.raises(DataError, match="cannot read the log"):
        read_log(tmp_path)


PIECES = [
    "] Solving ",
    "Iteration ",
    "7",
    ", loss = ",
    "0.5",
    ", lr = ",
    ", Testing net (#",
    ")",
    "Test net output #",
    ": x = ",
    " (* ",
    " loss)",
    "I1121 19:31:49.430888  7 a:1",
    "I0230 19:31:49.430888 ",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30))
def test_any_text_is_read(pieces: list[str]) -> None:
    for run in parse_log("".join(pieces).splitlines(), year=2001):
        series = [
            run.loss,
            run.rate,
            *run.train.values(),
            *(one for net in run.test.values() for one in net.values()),
        ]
        for one in series:
            assert len(one.iterations) == len(one.seconds) == len(one.values)
