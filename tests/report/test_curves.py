"""Training curves: what is in them, and that they become files."""

from __future__ import annotations

import html
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from caffe_lite.errors import DataError, ParameterError
from caffe_lite.report.curves import _curves, _panels, draw_curves
from caffe_lite.report.log import Run, Series, parse_log, read_log

LOGS = Path(__file__).parents[1] / "data" / "logs"


def words(picture: Path) -> str:
    """The chart's text; matplotlib writes it beside its outlines, as comments."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    return html.unescape("\n".join(node.text or "" for node in ET.parse(picture, parser).iter(ET.Comment)))  # type: ignore[arg-type]


def test_a_classifier(tmp_path: Path) -> None:
    draw_curves({"log": read_log(LOGS / "training_finetuned.log")}, tmp_path / "curve.svg")
    found = words(tmp_path / "curve.svg")
    for text in (
        "small",
        "iteration",
        "train loss",
        "test loss",
        "test accuracy",
        "accuracy",
        "learning rate",
    ):
        assert f" {text} " in found
    assert "log: " not in found


def test_several_logs(tmp_path: Path) -> None:
    logs = {name: read_log(LOGS / f"training_{name}.log") for name in ("finetuned", "resumed")}
    draw_curves(logs, tmp_path / "curve.svg")
    for text in (
        "finetuned: train loss",
        "resumed: train loss",
        "resumed: test loss",
        "finetuned: test accuracy",
    ):
        assert f" {text} " in words(tmp_path / "curve.svg")


def lines_of(name: str, *values: float) -> list[str]:
    return [
        "] Solving x\n",
        "Iteration 0, Testing net (#0)",
        *(f"Test net output #{i}: {name} = {value}" for i, value in enumerate(values)),
    ]


def test_outputs_share_a_panel_when_they_share_a_scale() -> None:
    runs = parse_log(
        [
            *lines_of("top", 0.1, 0.9),
            "Test net output #2: other = 1",
            "Test net output #3: wide = 7",
            "Test net output #4: wide = -7",
            "Test net output #5: cost = 0.5 (* 1 = 0.5 loss)",
            "Iteration 0, loss = 3",
            "Iteration 0, lr = 0.1",
        ]
    )
    panels = _panels(list(_curves("log", runs, 0, 1)))
    assert {name: [curve.label for curve in curves] for name, curves in panels.items()} == {
        "loss": ["train loss", "test cost"],
        "outputs": ["test top", "test top[1]", "test other"],
        "wide": ["test wide", "test wide[1]"],
        "learning rate": ["learning rate"],
    }
    (run,) = runs
    del run.test[0]["other"]
    assert list(_panels(list(_curves("log", runs, 0, 1)))) == ["loss", "top", "wide", "learning rate"]


def test_a_blob_of_many_outputs(tmp_path: Path) -> None:
    draw_curves({"log": parse_log(lines_of("prob", *(i / 200 for i in range(200))))}, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size[1] < 1000


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "jpg"])
def test_formats(tmp_path: Path, ending: str) -> None:
    runs = read_log(LOGS / "training_resumed.log")
    draw_curves({"log": runs}, tmp_path / f"curve.{ending}")
    first = (tmp_path / f"curve.{ending}").read_bytes()
    draw_curves({"log": runs}, tmp_path / f"curve.{ending}")
    assert first == (tmp_path / f"curve.{ending}").read_bytes()
    if ending == "png":
        with Image.open(tmp_path / "curve.png") as picture:
            assert picture.size == (1080, 672)


@pytest.mark.parametrize("name", [r"a$\oops$", "_hidden", "<a & b>", "100 %", "数据"])
def test_names_mean_nothing_to_the_chart(tmp_path: Path, name: str) -> None:
    line = "I1121 19:31:49.430888 7 solver.cpp:9] "
    runs = parse_log(
        [
            f"{line}Solving {name}",
            f"{line}Iteration 1, Testing net (#0)",
            f"{line}    Test net output #0: {name} = 2",
        ]
    )
    draw_curves({name: runs, "other": runs}, tmp_path / "curve.svg")
    assert f"{name}: test {name}" in words(tmp_path / "curve.svg")


def test_a_diverged_run_is_drawn_as_far_as_it_goes(tmp_path: Path) -> None:
    loss = Series(True, [0, 1, 2, 3], [0.0] * 4, [5.0, 1e30, float("inf"), float("nan")])
    draw_curves({"log": [Run(loss=loss)]}, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size


def test_nothing_to_draw(tmp_path: Path) -> None:
    for runs in ([], [Run()], [Run(loss=Series(True, [0], [0.0], [float("nan")]))]):
        with pytest.raises(DataError, match=r"a\.log: no loss"):
            draw_curves({"a.log": runs}, tmp_path / "curve.png")
    with pytest.raises(ParameterError, match=r"curve\.gif: .*\.png, \.svg, \.pdf, \.jpg"):
        draw_curves({"a.log": read_log(LOGS / "training_resumed.log")}, tmp_path / "curve.gif")
    assert not list(tmp_path.iterdir())
