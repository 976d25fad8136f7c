"""``train``, ``test`` and ``time`` say what Caffe's say; recorded lines are in the reference's logs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_lite.cli import main

NET = """
name: "small"
layer { name: "data" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 5 dim: 3 } shape { dim: 5 } } }
layer { name: "a rather long name" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 4 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" loss_weight: 2
        include { not_stage: "deploy" } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy"
        include { phase: TEST } }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.5 lr_policy: "fixed" display: 2 max_iter: 4 test_iter: 3 test_interval: 2
snapshot_prefix: "snap"
"""
PREFIX = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [\w.]+\.py:\d+\] (.*)")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a net and its solver; label 0 is learnt from the bias, as the data are zeros."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def caffe(capfd: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[str]]:
    """The exit code, and the log's messages with the level before them, but what a first run compiles."""
    code = main(argv)
    lines = capfd.readouterr().err.splitlines()
    matches = [match for line in lines if (match := PREFIX.fullmatch(line))]
    return code, ["{} {}".format(*match.groups()) for match in matches if not match[2].startswith("Compiling ")]


def error(capfd: pytest.CaptureFixture[str], *argv: str) -> str:
    """The one ``F`` line of a call that fails, and nothing else."""
    code, lines = caffe(capfd, *argv)
    assert code == 1
    assert [line for line in lines if line.startswith("F ")] == lines[-1:]
    return lines[-1][2:]


def test_train(capfd: pytest.CaptureFixture[str]) -> None:
    code, lines = caffe(capfd, "train", "--solver=solver.prototxt", "--stage=a,b", "--level=3")
    assert code == 0
    assert lines[0] == "I Use CPU."
    assert lines[1] == "I Initializing solver from parameters: "
    start = lines.index("I Starting Optimization")
    rate = r"\(\S+ iter/s, \S+s/2 iters\)"
    expected = [
        "Solving small",
        "Learning Rate Policy: fixed",
        r"Iteration 0, Testing net \(#0\)",
        "    Test net output #0: accuracy = 0",  # all are equal, and a tie counts against the label
        r"    Test net output #1: loss = 1\.38629 \(\* 2 = 2\.77259 loss\)",
        rf"Iteration 0 {rate}, loss = 2\.77259",
        r"    Train net output #0: loss = 1\.38629 \(\* 2 = 2\.77259 loss\)",
        r"Iteration 0, lr = 0\.5",
    ]
    for line, pattern in zip(lines[start + 1 :], expected, strict=False):
        assert re.fullmatch("I " + pattern, line), (line, pattern)
    assert lines[-2:] == ["I Optimization Done."] * 2
    assert Path("snap_iter_4.caffemodel").exists()


def test_level_and_stages_are_the_solvers(capfd: pytest.CaptureFixture[str]) -> None:
    main(["train", "--solver=solver.prototxt", "--stage=a,b", "--level=3"])
    text = capfd.readouterr().err
    assert 'train_state {\n  level: 3\n  stage: "a"\n  stage: "b"\n}\n' in text
    main(["train", "--solver=solver.prototxt"])
    assert 'train_state {\n  level: 0\n  stage: ""\n}\n' in capfd.readouterr().err


def test_resume_and_finetune(capfd: pytest.CaptureFixture[str]) -> None:
    main(["train", "--solver=solver.prototxt"])
    Path("solver.prototxt").write_text(SOLVER.replace("max_iter: 4", "max_iter: 6"))
    capfd.readouterr()
    _, lines = caffe(capfd, "train", "--solver=solver.prototxt", "--snapshot=snap_iter_4.solverstate")
    at = lines.index("I Resuming from snap_iter_4.solverstate")
    assert "I Starting Optimization" in lines[at:]
    assert not [line for line in lines if line.startswith("I Iteration 2")]
    assert [line for line in lines if line.startswith("I Iteration 4, lr")]
    _, lines = caffe(
        capfd, "train", "--solver=solver.prototxt", "--weights=snap_iter_4.caffemodel,snap_iter_6.caffemodel"
    )
    assert lines.count("I Finetuning from snap_iter_4.caffemodel") == 2  # the train net and the test net
    assert lines.count("I Finetuning from snap_iter_6.caffemodel") == 2
    assert [line for line in lines if line.startswith("I Iteration 0 ")]


def test_test(capfd: pytest.CaptureFixture[str]) -> None:
    main(["train", "--solver=solver.prototxt"])
    capfd.readouterr()
    code, lines = caffe(capfd, "test", "--model=net.prototxt", "--weights=snap_iter_4.caffemodel", "--iterations=3")
    assert (code, lines[0]) == (0, "I Use CPU.")
    lines = [line[2:] for line in lines[lines.index("I Running for 3 iterations.") + 1 :]]
    assert [line.partition(" = ")[0] for line in lines] == [
        *[f"Batch {i}, {name}" for i in range(3) for name in ("accuracy", "loss")],
        "Loss: " + lines[6][6:],
        "accuracy",
        "loss",
    ]
    assert lines[-2] == "accuracy = 1"
    loss = float(lines[-1].split()[2])
    assert 0 < loss < 1.386
    assert lines[-1] == f"loss = {loss:g} (* 2 = {2 * loss:g} loss)"
    assert lines[6] == f"Loss: {2 * loss:g}"


def test_time(capfd: pytest.CaptureFixture[str]) -> None:
    code, lines = caffe(capfd, "time", "--model=net.prototxt", "--iterations=3")
    assert code == 0
    lines = [line[2:] for line in lines[lines.index("I Performing Forward") :]]
    number = r"[\d.e+-]+"
    layers = ["      data", "a rather long name", "      loss"]
    expected = [
        "Performing Forward",
        r"Initial loss: 2\.77259",
        "Performing Backward",
        r"\*\*\* Benchmark begins \*\*\*",
        r"Testing for 3 iterations\.",
        *[rf"Iteration: {i} forward-backward time: \d+ ms\." for i in (1, 2, 3)],
        "Average time per layer: ",
        *[rf"{name}\t{way}: {number} ms\." for name in layers for way in ("forward", "backward")],
        rf"Average Forward pass: {number} ms\.",
        rf"Average Backward pass: {number} ms\.",
        rf"Average Forward-Backward: {number} ms\.",
        r"Total Time: \d+ ms\.",
        r"\*\*\* Benchmark ends \*\*\*",
    ]
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)


def test_time_has_phases_and_stages(capfd: pytest.CaptureFixture[str]) -> None:
    _, lines = caffe(capfd, "time", "--model=net.prototxt", "--iterations=1", "--phase=TEST", "--stage=deploy")
    names = [line.partition("\t")[0][2:].strip() for line in lines if "\tforward" in line]
    assert names == ["data", "a rather long name", "accuracy"]


def test_device_query(capfd: pytest.CaptureFixture[str]) -> None:
    code, lines = caffe(capfd, "device_query")
    assert (code, lines[0]) == (0, "I Querying GPUs ")
    assert re.fullmatch(r"I CPU: \S+, \d+ threads", lines[1])
    assert error(capfd, "device_query", "--gpu=all").startswith("Cannot use GPU in CPU-only Caffe: check mode.")


@pytest.mark.parametrize(
    ("mode", "flags", "warned"),
    [
        ("", [], False),
        ("solver_mode: CPU", [], False),
        ("solver_mode: GPU", [], True),
        ("", ["--gpu=0,1"], True),
        ("solver_mode: GPU device_id: 3", ["--gpu=all"], True),
    ],
)
def test_a_gpu_is_one_warning(capfd: pytest.CaptureFixture[str], mode: str, flags: list[str], warned: bool) -> None:
    Path("solver.prototxt").write_text(SOLVER + mode)
    code, lines = caffe(capfd, "train", "--solver=solver.prototxt", *flags)
    warnings = [line for line in lines if line.startswith("W ")]
    assert (code, len(warnings)) == (0, int(warned))
    who = flags[0] if flags else "solver_mode: GPU in solver.prototxt"
    assert not warned or warnings[0].startswith(f"W {who}: ")
    code, lines = caffe(capfd, "train", "--solver=solver.prototxt", "--strict_gpu", *flags)
    assert code == int(warned)
    assert not warned or lines[-1].startswith("F Cannot use GPU in CPU-only Caffe: check mode.")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train"], "Need a solver definition to train."),
        (
            ["train", "--solver=s", "--snapshot=a", "--weights=b"],
            "Give a snapshot to resume training or weights to finetune but not both.",
        ),
        (["train", "--solver=s", "--sigint_effect=halt"], 'Invalid signal effect "halt" was specified'),
        (["train", "s"], "caffe_lite train takes flags only, found s"),
        (["train", "--solver=solver.prototxt", "--gpu=first"], "--gpu=first: give device numbers"),
        (["train", "--solver=solver.prototxt", "--snapshot=none"], "none: there is no such solver state"),
        (["train", "--solver=solver.prototxt", "--weights=none"], "none: there is no such file of weights"),
        (["train", "--solver=none"], "none"),
        (["test"], "Need a model definition to score."),
        (["test", "--model=net.prototxt"], "Need model weights to score."),
        (
            ["test", "--model=net.prototxt", "--weights=none", "--iterations=0"],
            "--iterations=0: give 1 or more",
        ),
        (["time"], "Need a model definition to time."),
        (["time", "--model=net.prototxt", "--phase=train"], 'phase must be "TRAIN" or "TEST"'),
    ],
)
def test_mistakes(capfd: pytest.CaptureFixture[str], argv: list[str], message: str) -> None:
    assert error(capfd, *argv).startswith(message)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
@pytest.mark.parametrize(
    ("number", "flags", "stops"),
    [
        (signal.SIGINT, [], True),
        (signal.SIGHUP, [], False),
        (signal.SIGINT, ["--sigint_effect=snapshot"], False),
        (signal.SIGHUP, ["--sighup_effect=stop"], True),
    ],
)
def test_signals(folder: Path, number: int, flags: list[str], stops: bool) -> None:
    (folder / "solver.prototxt").write_text(
        SOLVER.replace("max_iter: 4", "max_iter: 200000").replace("display: 2", "display: 200")
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "caffe_lite", "train", "--solver=solver.prototxt", *flags],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        lines = iter(process.stderr)
        next(line for line in lines if "Iteration 0, lr" in line)
        os.kill(process.pid, number)
        next(line for line in lines if "Snapshotting solver state" in line)
        if stops:
            rest = [line.partition("] ")[2].strip() for line in lines]
            assert rest == ["Optimization stopped early.", "Optimization Done."]
            assert process.wait(30) == 0
        else:
            next(line for line in lines if "lr = 0.5" in line)  # it goes on
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert len(list(folder.glob("snap_iter_*.solverstate"))) == 1


def test_a_net_of_the_same_name_beside_the_solver(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is not the one that is taken; the check before training, which tells errors only, does not keep that back."""
    (folder / "copy").mkdir()
    for name in ("net.prototxt", "solver.prototxt"):
        (folder / "copy" / name).write_text((folder / name).read_text())
    assert main(["train", "--solver=copy/solver.prototxt"]) == 0
    log = capfd.readouterr().err
    assert log.count(f"copy/solver.prototxt names net.prototxt, and there are two of these: {folder}/net.prototxt, which is") == 1
