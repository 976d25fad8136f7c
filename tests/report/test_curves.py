"""Training curves: what is in them, and that they become files."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from caffe_lite.errors import DataError, ParameterError
from caffe_lite.report.charts import chart_of
from caffe_lite.report.curves import _curves, _panels, draw_curves
from caffe_lite.report.log import Run, Series, parse_log
from caffe_lite.report.read import read_log

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


def small_run(count: int = 80) -> Run:
    run = Run("net")
    for i in range(count):
        run.loss.add(i, i / 2, 1 + (i % 2) / 2)
        run.rate.add(i, i / 2, 0.1)
    run.test[0] = {"accuracy": Series(False, [0, 40], [0.0, 20.0], [0.25, 0.5]), "loss": Series(True, [0, 40], [0.0, 20.0], [3.0, 4.0])}
    return run


@pytest.mark.parametrize(("number", "name"), list(enumerate(
    f"{y} vs. {x}" for y in ("Test accuracy", "Test loss", "Train learning rate", "Train loss") for x in ("Iters", "Seconds"))))  # fmt: skip
def test_the_charts_of_caffe(tmp_path: Path, number: int, name: str) -> None:
    chart = chart_of(str(number))
    assert chart is chart_of(name.lower().replace(" ", "  "))
    run = small_run()
    wanted = {"Test accuracy": [0.25, 0.5], "Test loss": [3.0, 4.0], "Train learning rate": run.rate.values, "Train loss": run.loss.values}
    assert chart.series(run).values == wanted[name.partition(" vs")[0]]
    draw_curves({"a": [run], "b": [run]}, tmp_path / "x.svg", chart)
    found = words(tmp_path / "x.svg")
    assert f"net: {chart.quantity.lower()}" in found
    assert (" time (s) " if chart.seconds else " iteration ") in found
    for label in ("a", "b"):
        assert f" {label} " in found


def test_no_such_chart(tmp_path: Path) -> None:
    for text in ("8", "-1", "Test loss vs. Hours"):
        with pytest.raises(ParameterError, match=f"--chart={text}: expected one of 0 .Test accuracy vs. Iters., 1"):
            chart_of(text)
    with pytest.raises(DataError, match="a: no test accuracy to draw"):
        draw_curves({"a": [Run("n", Series(True, [0], [0.0], [1.0]))]}, tmp_path / "x.svg", chart_of("0"))


@pytest.mark.parametrize(("seconds", "unit"), [(100, "s"), (9000, "min"), (40_000, "h")])
def test_the_unit_of_time(tmp_path: Path, seconds: float, unit: str) -> None:
    run = Run("n", Series(True, [0, 1], [-1.0, seconds], [2.0, 3.0]))
    draw_curves({"a": [run]}, tmp_path / "x.svg", seconds=True)
    assert f" time ({unit}) " in words(tmp_path / "x.svg")


def lines_in(picture: Path) -> int:
    return len([line for line in ET.parse(picture).iter("{http://www.w3.org/2000/svg}g") if line.get("id", "").startswith("line2d")])


def test_noisy_lines_are_faint_with_a_smooth_one_over_them(tmp_path: Path) -> None:
    for name, smooth in (("plain", -1), ("smooth", 0), ("wide", 9)):
        draw_curves({"a": [small_run()]}, tmp_path / f"{name}.svg", smooth=smooth)
    assert lines_in(tmp_path / "smooth.svg") == lines_in(tmp_path / "plain.svg") + 1
    assert (tmp_path / "smooth.svg").read_text() != (tmp_path / "wide.svg").read_text()
    draw_curves({"a": [small_run(49)]}, tmp_path / "few.svg")
    draw_curves({"a": [small_run(49)]}, tmp_path / "plain.svg", smooth=-1)
    assert lines_in(tmp_path / "few.svg") == lines_in(tmp_path / "plain.svg")


def test_a_page(tmp_path: Path) -> None:
    run = small_run()
    run.net = "<net> & co"
    draw_curves({"a": [run]}, tmp_path / "x.html", refresh=7)
    text = (tmp_path / "x.html").read_text()
    assert "<h1>&lt;net&gt; &amp; co</h1>" in text
    assert '<meta http-equiv="refresh" content="7">' in text
    assert "<tr><td>test accuracy</td><td>0.5</td><td>40</td><td>0.5</td><td>40</td></tr>" in text
    assert "<tr><td>train loss</td><td>1.5</td><td>79</td><td>1</td><td>0</td></tr>" in text
    assert not re.findall("stroke: #|fill: #", text)  # each colour has another for dark pages
    svg = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    assert svg.get("width") is None
    assert svg.get("viewBox")
    draw_curves({"a": [run]}, tmp_path / "x.html")
    assert "refresh" not in (tmp_path / "x.html").read_text()
