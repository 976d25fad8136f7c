"""Tables, the picture, JSON, and the comparison of two runs."""

from __future__ import annotations

import html
from copy import deepcopy
from itertools import pairwise
from math import isnan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.errors import DataError
from tools.bench.cases import FORWARD, TRAIN, Case
from tools.bench.compare import compare
from tools.bench.picture import draw
from tools.bench.results import Entry, Results, Timed, read_json, write_json
from tools.bench.tables import markdown, milliseconds


def timed(net="lenet", mode=FORWARD, batch=64, group="nets", **seconds):
    """A case of 3 GFLOP where the product runs at 200 GFLOP/s."""
    entries = {name.replace("_", "-"): Entry.of([s], first=1.5, memory=98_700_000, difference=1e-6)
               for name, s in seconds.items()}
    return Timed(Case(group, net, mode, batch), 3_000_000_000, 2e11, entries)


@pytest.fixture
def results():
    failing = timed("googlenet", TRAIN, 10, ours=1.234567, peer=0.9)
    failing.entries["late"] = Entry(failed="MemoryError: no")
    failing.entries["peer"].difference = 0.5
    return Results(
        {"date": "2026-11-21", "threads": 2},
        {"absent": "not installed: pip install 'absent'"},
        [timed(ours=0.02, peer=0.05), failing, timed(group="batch", net="siamese", mode=TRAIN, batch=4, ours=0.5)],
        [{"program": "caffe_lite train", "cold": 12.3456, "warm": 0.987}],
        [{"records": "LMDB", "net": "lenet", "batch": 64, "alone": 123456.7, "training": 900.0, "given": 1000.0}],
    )


def test_markdown(results):
    lines = markdown(results).splitlines()
    assert "| net | batch | GFLOP | ours | peer |" in lines
    assert "| lenet | 64 | 3 | **20 (0.75)** | 50 (0.30) |" in lines
    assert "| googlenet | 10 | 3 | 1235 (0.01) | **900 (0.02)** | failed |" in lines
    assert "| lenet, forward | 64 | 3 | 1.50 | 1.50 |  |" in lines
    assert "| lenet, forward | 64 | 3 | 99 | 99 |  |" in lines
    assert "| siamese | 4 | 3 | 500 (0.03), 99 |" in lines
    assert "| caffe_lite train | 12.35 | 0.99 |" in lines
    assert "| LMDB | 123,457 | lenet, batch 64 | 900 | 1,000 |" in lines
    assert "- absent did not take part: not installed: pip install 'absent'" in lines
    assert "- late, googlenet, train, batch 10: failed: MemoryError: no" in lines
    assert any("peer, googlenet" in line and "differs by 5.0e-01" in line for line in lines)
    assert "- threads: 2" in lines


def test_markdown_of_nothing():
    assert markdown(Results({})) == "# Benchmark\n\n\n"


def test_a_result_that_is_no_number_is_told(results):
    results.timed[0].entries["peer"].difference = float("nan")
    assert "peer, lenet, forward, batch 64: its result differs by nan" in markdown(results)


def test_quartiles():
    entry = Entry.of([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (entry.median, entry.low, entry.high, entry.samples) == (3.0, 1.5, 4.5, 5)


@pytest.mark.parametrize(("seconds", "text"), [(0.0001234, "0.123"), (0.98765, "988"), (1.0, "1000"), (12.3456, "12346")])
def test_milliseconds(seconds, text):
    assert milliseconds(seconds) == text


def test_json(results, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(write_json(results))
    assert read_json(path) == results


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=9))
def test_fraction(times):
    found = timed()
    found.entries["ours"] = Entry.of(times)
    assert found.fraction("ours") * found.seconds("ours") == pytest.approx(3e9 / 2e11)
    assert isnan(found.fraction("peer"))
    assert found.entries["ours"].low <= found.entries["ours"].median <= found.entries["ours"].high or len(times) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machine": {}, "timed": [{}]}', '{"machine": {}, "timed": [], "odd": 1}'])
def test_a_file_that_is_no_runs(text, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(DataError, match="is not the results.json of a run"):
        read_json(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="none.json: No such file"):
        read_json(tmp_path / "none.json")


def test_compare(results):
    then = deepcopy(results)
    for case in then.timed:
        case.product /= 2  # the machine was busy, and so everybody slow
        for entry in case.entries.values():
            if entry.median:
                entry.median *= 2
    then.timed[0].entries["ours"].median *= 3  # and we really were
    lines = compare(results, then).splitlines()
    assert "| lenet, forward, batch 64 | ours | 120 | 20 | 6.00 | 3.00 |" in lines
    assert "| lenet, forward, batch 64 | peer | 100 | 50 | 2.00 | 1.00 |" in lines
    assert "| ours | 3 | 1.44 |" in lines  # the cube root of 3
    assert "| peer | 2 | 1.00 |" in lines
    assert "late" not in "".join(lines)


def test_compare_of_other_cases(results):
    assert "no case in common" in compare(results, Results({}, timed=[timed(batch=1, ours=1.0)]))


def test_picture(results, tmp_path):
    draw(results, tmp_path / "times.svg")
    text = html.unescape((tmp_path / "times.svg").read_text())
    for words in ("Forward", "Training: forward, backward, update", "batch 64", "ours", "peer", "20 ms", "1235 ms"):
        assert f" {words} " in text
    assert "siamese" not in text  # it is no case of the nets'


def test_bars_do_not_overlap(tmp_path, monkeypatch):
    """Nor do the labels, with as many cases and contestants as there can be."""
    import matplotlib.figure

    many = {f"contestant_{i}": 0.01 * (i + 1) for i in range(5)}
    cases = [timed(f"a_longer_net_{i}", mode, 100, **many) for i in range(6) for mode in (FORWARD, TRAIN)]
    charts = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda chart, *args, **fields: charts.append(chart))
    draw(Results({}, timed=cases), tmp_path / "times.png")
    chart = charts[0]
    chart.draw_without_rendering()
    for axes in chart.axes:
        boxes = sorted((p.get_window_extent() for p in axes.patches), key=lambda box: box.y0)
        assert len(boxes) == 30
        assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))
        texts = sorted((t.get_window_extent() for t in axes.texts), key=lambda box: box.y0)
        assert all(below.y1 <= above.y0 for below, above in pairwise(texts))
        labels = sorted((t.get_window_extent() for t in axes.get_yticklabels()), key=lambda box: box.y0)
        assert all(below.y1 <= above.y0 for below, above in pairwise(labels))
        assert all(t.x1 <= axes.get_window_extent().x1 + 1 for t in texts)


def test_no_picture_of_nothing(tmp_path):
    draw(Results({}), tmp_path / "times.png")
    assert not Path(tmp_path / "times.png").exists()
