"""Layers in place that spoil what others need."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.layers import input_layers

from caffe_lite.check import check_file

IP = 'layer {{ name: "{0}" type: "InnerProduct" bottom: "{1}" top: "{0}" inner_product_param {{ num_output: 4 }} }}\n'
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "last" bottom: "target" top: "loss" }\n'


def one(kind: str, bottom: str, top: str, more: str = "") -> str:
    return f'layer {{ name: "{kind.lower()}_{top}" type: "{kind}" bottom: "{bottom}" top: "{top}" {more} }}\n'


def warnings(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    """Layer and message of each finding that speaks of memory."""
    path = tmp_path / "net.prototxt"
    path.write_text(input_layers(x=(3, 5), target=(3, 4)) + text + IP.format("last", "z") + LOSS)
    found = check_file(str(path))
    assert all(finding.severity == "warning" for finding in found), found
    return [(finding.layer, finding.message) for finding in found if finding.code == "in-place"]


@pytest.mark.parametrize(("below", "above", "spoils"), [
    ("Sigmoid", "Dropout", True), ("TanH", "ReLU", True), ("ReLU", "Dropout", False), ("ReLU", "Scale", True),
    ("ReLU", "ReLU", False), ("Dropout", "ReLU", False), ("Scale", "ReLU", False), ("ELU", "Dropout", True)])
def test_in_place_over_in_place(tmp_path: Path, below: str, above: str, spoils: bool) -> None:
    text = IP.format("y", "x") + one(below, "y", "y") + one(above, "y", "y") + one("AbsVal", "y", "z")
    found = warnings(tmp_path, text)
    assert [layer for layer, _ in found] == [f"{above.lower()}_y"] * spoils
    assert all(f"({below}) needs to go backward" in message for _, message in found)


def test_the_usual_ways_are_fine(tmp_path: Path) -> None:
    text = IP.format("y", "x") + one("ReLU", "y", "y") + one("Dropout", "y", "y") + one("Sigmoid", "y", "z")
    assert warnings(tmp_path, text) == []


def test_a_product_needs_its_top_if_it_divides(tmp_path: Path) -> None:
    text = IP.format("a", "x") + IP.format("b", "x") + (
        'layer { name: "times" type: "Eltwise" bottom: "a" bottom: "b" top: "y" eltwise_param { operation: PROD %s } }\n'
    ) + one("ReLU", "y", "y") + one("AbsVal", "y", "z")
    assert warnings(tmp_path, text % "stable_prod_grad: false") != []
    assert warnings(tmp_path, text % "") == []


def test_memory_that_goes_by_two_names(tmp_path: Path) -> None:
    """Flatten gives its bottom's memory another name: what works in place on it changes what others read."""
    early = IP.format("y", "x") + one("Flatten", "y", "f") + IP.format("w", "y") + one("ReLU", "f", "f")
    late = IP.format("y", "x") + one("Flatten", "y", "f") + one("ReLU", "f", "f") + IP.format("w", "y")
    end = 'layer { name: "sum" type: "Eltwise" bottom: "f" bottom: "w" top: "z" }\n'
    (layer, message), = warnings(tmp_path, early + end)
    assert layer == "relu_f"
    assert "'w' (InnerProduct) needs to go backward" in message
    (layer, message), = warnings(tmp_path, late + end)
    assert layer == "relu_f"
    assert "'w' (InnerProduct) reads afterwards" in message


def test_layers_that_do_not_go_backward_do_not_mind(tmp_path: Path) -> None:
    text = one("Sigmoid", "x", "y") + one("ReLU", "y", "y") + one("AbsVal", "y", "z")
    assert warnings(tmp_path, text) == []
