"""``resize_and_crop_images.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image", reason="Pillow, which reads and writes images, is not installed")
CROPS = np.load(Path(__file__).parents[1] / "data" / "images" / "crops.npz")


@pytest.fixture
def script(extra):
    return extra.resize_and_crop_images


def save(path, bgr):
    Image.fromarray(bgr[..., ::-1]).save(path)
    return str(path)


@pytest.mark.parametrize("case", range(3))
def test_crops_are_opencvs(script, tmp_path, case):
    source, crop = save(tmp_path / "in.png", CROPS[f"before/{case}"]), CROPS[f"crop/{case}"]
    target = tmp_path / "deep" / "folder" / "out.png"
    assert script.work(script.Task(source, str(target), len(crop), "opencv")) is None
    with Image.open(target) as made:
        np.testing.assert_array_equal(np.asarray(made)[..., ::-1], crop)


def test_crops_by_pillow(script, tmp_path):
    """The middle of a wide image: its left and right are cut off, and it is made smaller, never larger."""
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[:, 3:37] = 255
    source = save(tmp_path / "in.png", pixels)
    for side, size in ((10, (10, 10)), (200, (30, 30))):
        target = tmp_path / f"{side}.jpg"
        assert script.work(script.Task(source, str(target), side, "pil")) is None
        with Image.open(target) as made:
            assert (made.format, made.size) == ("JPEG", size)
            assert np.asarray(made).min() > 250


def test_a_broken_image_is_said_and_passed_over(script, tmp_path):
    (tmp_path / "in.jpg").write_text("none")
    for library in ("opencv", "pil"):
        problem = script.work(script.Task(str(tmp_path / "in.jpg"), str(tmp_path / "out.jpg"), 9, library))
        assert str(tmp_path / "in.jpg") in problem
    assert not (tmp_path / "out.jpg").exists()


def test_the_whole_script(extra, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("out").mkdir()
    save("in/two words.jpg", CROPS["before/0"])
    save("in/b.png", CROPS["before/1"])
    Path("list").write_text("two words.jpg\n\nin/b.png 17\nmissing.jpg 3\n")
    flags = ["--input=list", "--input_folder=in", "--output_folder=out", "-output_side_length", "11", "--num_clients=1"]
    assert extra.run("resize_and_crop_images", *flags) == 0
    said = capfd.readouterr()
    assert said.out == "Wrote 2 of 3 images to out\n"
    assert "missing.jpg: No such file or directory" in said.err
    with Image.open("out/b.png") as made:
        np.testing.assert_array_equal(np.asarray(made)[..., ::-1], CROPS["crop/1"])
    with Image.open("out/two words.jpg") as made:
        assert (made.format, made.size) == ("JPEG", (11, 11))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--input=LIST and --output_folder=FOLDER are needed"),
        (["--input=x", "--output_folder=y", "--image_lib=gd"], "--image_lib=gd: expected opencv or pil"),
        (["--input=x", "--output_folder=y", "--num_clients=0"], "--num_clients=0: expected 1 or more"),
        (["--input=x", "--output_folder=y", "--input_folder=y"], "are the same"),
        (["--input=x", "--output_folder=y"], "No such file or directory: 'x'"),
        (["--imput=x"], "unknown command line flag 'imput'"),
    ],
)
def test_mistakes(extra, flags, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert extra.run("resize_and_crop_images", *flags) == 1
    assert message in capsys.readouterr().err


def test_help(extra, capsys):
    assert extra.run("resize_and_crop_images", "--help") == 0
    assert "--output_side_length=256" in capsys.readouterr().out
