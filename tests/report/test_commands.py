"""The commands draw, plot and embed, and the script draw_net.py."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_lite import schema
from caffe_lite.commands import call_for, draw, embed, plot
from caffe_lite.errors import CaffeError, FlagError, ParameterError, SchemaError, ShapeError

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "tests" / "data" / "logs"
NET = """
name: "points"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 9 dim: 1 dim: 2 dim: 1 } } }
layer { name: "late" type: "ReLU" bottom: "data" top: "late" include { phase: TRAIN } }
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "net.prototxt").write_text(NET)
    return str(tmp_path / "net.prototxt")


def test_draw(net: str, tmp_path: Path) -> None:
    picture = tmp_path / "net.dot"
    assert draw.run(call_for(draw.FLAGS, [net, str(picture)], phase="TEST", rankdir="TB")) == 0
    assert "rankdir=TB" in picture.read_text()
    assert "ReLU" not in picture.read_text()


@pytest.mark.parametrize(
    ("args", "flags", "kind", "message"),
    [
        (["NET"], {}, FlagError, "usage: draw NET OUT; found NET"),
        (["NET", "OUT.svg", "x"], {}, FlagError, "usage: draw NET OUT"),
        (["NET", "OUT.svg"], {"phase": "test"}, FlagError, "TRAIN, TEST, ALL"),
        (["NET", "OUT.svg"], {"rankdir": "up"}, ParameterError, "LR, RL, TB, BT"),
        (["NET", "OUT"], {}, ParameterError, ".svg"),
        (["missing.prototxt", "OUT.svg"], {}, SchemaError, "missing.prototxt"),
    ],
)
def test_draw_says_what_is_wrong(
    net: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    flags: dict[str, str],
    kind: type[CaffeError],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "NET").write_text(NET)
    with pytest.raises(kind, match=message):
        draw.run(call_for(draw.FLAGS, args, **flags))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["NET", "net.prototxt"]


def test_plot_labels_logs_by_what_tells_them_apart(tmp_path: Path) -> None:
    paths = []
    for name in ("finetuned", "resumed"):
        (tmp_path / name).mkdir()
        paths.append(tmp_path / name / "train.log")
        paths[-1].write_text((LOGS / f"training_{name}.log").read_text())
    picture = tmp_path / "curve.svg"
    assert plot.run(call_for(plot.FLAGS, [*map(str, paths), str(picture)])) == 0
    assert str(Path("finetuned", "train.log")) + ": train loss" in picture.read_text()
    assert plot.run(call_for(plot.FLAGS, [str(LOGS / "training_resumed.log"), str(paths[0]), str(picture)])) == 0
    assert "training_resumed: test loss" in picture.read_text()


def test_plot_wants_a_log_and_a_picture() -> None:
    with pytest.raises(FlagError, match=r"usage: plot LOG\.\.\. OUT"):
        plot.run(call_for(plot.FLAGS, ["train.log"]))


def test_plot_does_not_write_over_a_log(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"b\.log"):
        plot.run(call_for(plot.FLAGS, [str(tmp_path / "a.log"), str(tmp_path / "b.log")]))


class Growing:
    """Time that goes by while somebody sleeps, and a log that grows meanwhile."""

    def __init__(self, path: Path, pieces: list[str]) -> None:
        self.path, self.pieces, self.slept = path, pieces, 0

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        if not self.pieces:
            raise KeyboardInterrupt
        with self.path.open("a") as file:
            file.write(self.pieces.pop(0))


HEAD = "I1121 19:31:49.430888  7656 solver.cpp:347] "


@pytest.mark.parametrize("ends", [True, False])
def test_plot_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
    """The log is not there at first; then it has no number yet, then two, then it ends, or Ctrl-C comes."""
    train_log, picture = tmp_path / "train.log", tmp_path / "curve.html"
    last = f"{HEAD}Optimization Done.\n" if ends else ""
    pieces = ["", f"{HEAD}Solving x\n", f"{HEAD}Iteration 0, loss = 7\n", f"{HEAD}Iteration 1, loss = 5\n", "", last]
    growing = Growing(train_log, pieces)
    pages = []

    def sleep(seconds: float) -> None:
        assert seconds == 3
        pages.append(picture.read_text() if picture.exists() else "")
        growing.sleep(seconds)

    monkeypatch.setattr(plot.time, "sleep", sleep)
    assert plot.run(call_for(plot.FLAGS, [str(train_log), str(picture)], follow=True, interval=3.0)) == 0
    assert growing.slept == (6 if ends else 7)
    assert [bool(page) for page in pages[:4]] == [False, False, False, True]
    assert "<td>7</td>" in pages[3]
    assert 'content="3"' in pages[3]
    assert "<td>5</td>" in pages[4]
    assert pages[4] == pages[5]
    assert "http-equiv" not in picture.read_text()  # nothing more will come


def test_plot_takes_a_log_that_is_called_as_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("filters").write_text((LOGS / "training_resumed.log").read_text())
    assert plot.run(call_for(plot.FLAGS, ["filters", "x.svg"])) == 0
    with pytest.raises(FlagError, match="--interval=0"):
        plot.run(call_for(plot.FLAGS, ["filters", "x.svg"], interval=0.0))


@pytest.fixture
def digits(tmp_path: Path) -> dict[str, str]:
    """Forty images of two pixels each, in four well separated classes; and weights for nothing."""
    pixels = bytes(value for i in range(40) for value in (i % 4 * 60 + i // 20, i % 2 * 60 + i // 10))
    (tmp_path / "images").write_bytes(struct.pack(">4I", 2051, 40, 2, 1) + pixels)
    (tmp_path / "labels").write_bytes(struct.pack(">2I", 2049, 40) + bytes(i % 4 for i in range(40)))
    weights = schema.NetParameter(name="points")
    weights.layer.add(name="data", type="Input")
    schema.write_binary(tmp_path / "weights.caffemodel", weights)
    return {
        "images": str(tmp_path / "images"),
        "labels": str(tmp_path / "labels"),
        "weights": str(tmp_path / "weights.caffemodel"),
        "blob": "data",
    }


def test_embed(net: str, digits: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture = tmp_path / "points.png"
    with caplog.at_level("INFO"):
        assert embed.run(call_for(embed.FLAGS, [str(picture)], model=net, **digits)) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "Top shape: 500 1 2 1 (1000)" in caplog.messages  # not the file's 9, which may be ten thousand
    assert "Ten nearest neighbours name the class of 100.0 % of 40 digits" in caplog.messages


def test_embed_says_what_is_wrong(net: str, digits: dict[str, str], tmp_path: Path) -> None:
    picture = str(tmp_path / "points.png")
    with pytest.raises(FlagError, match="usage: embed"):
        embed.run(call_for(embed.FLAGS, [], model=net, **digits))
    with pytest.raises(FlagError, match="--weights="):
        embed.run(call_for(embed.FLAGS, [picture], model=net))
    with pytest.raises(ShapeError, match="no blob 'feat'"):
        embed.run(call_for(embed.FLAGS, [picture], model=net, **{**digits, "blob": "feat"}))


def script(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "python" / "draw_net.py"), *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_draw_net_script(net: str, tmp_path: Path) -> None:
    picture = tmp_path / "net.svg"
    done = script(net, str(picture), "--rankdir", "BT", "--phase", "TRAIN", "--display_lrm")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Drawing net to {picture}\n"
    assert "ReLU" in picture.read_text(encoding="utf-8")


def test_draw_net_script_says_what_is_wrong(net: str) -> None:
    for args, message in (((net, "x.bmp"), "x.bmp: "), (("nowhere.prototxt", "x.svg"), "nowhere.prototxt")):
        done = script(*args)
        assert done.returncode == 1
        assert done.stderr.startswith(f"draw_net.py: {message}")
        assert "Traceback" not in done.stderr
