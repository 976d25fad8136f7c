"""``--tensorboard``: what is in the files."""

from __future__ import annotations

import struct
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from support.watched import train, write_net

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_net()


def values(folder: str = "board") -> dict[str, list[tuple[int, float]]]:
    """What each tag has: steps and scalars, or the width of a picture."""
    from tensorboardX.proto.event_pb2 import Event

    found = defaultdict(list)
    for path in sorted(Path(folder).glob("events.*")):
        data = path.read_bytes()
        while data:
            (size,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + size])
            for value in event.summary.value:
                found[value.tag].append((event.step, value.image.width or value.simple_value))
            data = data[16 + size :]
    return found


def test_scalars_filters_and_the_embedding() -> None:
    train("--tensorboard=board")
    found = values()
    assert set(found) == {"train/loss", "train/output_loss", "train/learning_rate", "train/iterations_per_second",
                          "test/accuracy", "test/loss", "filters/conv1"}  # fmt: skip
    assert [step for step, _ in found["train/loss"]] == [0, 2, 4, 6]
    assert found["train/learning_rate"] == [(step, pytest.approx(0.05)) for step in (0, 2, 4)]
    assert [step for step, _ in found["test/accuracy"]] == [0, 4]
    assert [step for step, _ in found["filters/conv1"]] == [0, 4, 6]
    assert found["filters/conv1"][0][1] == 4 * (3 * 8 - 1)
    for step in (4, 6):
        points = np.loadtxt(f"board/{step:05d}/feat/tensors.tsv")
        assert points.shape == (500, 2)
        labels = np.loadtxt(f"board/{step:05d}/feat/metadata.tsv")
        assert sorted(set(labels)) == list(range(10))
        assert Path(f"board/{step:05d}/feat/sprite.png").exists()


def test_another_blob_is_embedded() -> None:
    train("--tensorboard=board", "--tensorboard_embedding=ip2")
    assert np.loadtxt("board/00006/ip2/tensors.tsv").shape == (500, 10)


def test_a_blob_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    train("--tensorboard=board", "--tensorboard_embedding=fete", code=1)
    assert "found 'fete'" in capfd.readouterr().err
    assert not Path("board").exists()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    train("--tensorboard=board", code=1)
    assert "pip install 'caffe_lite[tensorboard]'" in capfd.readouterr().err
