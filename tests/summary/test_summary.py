"""The table of a net: known numbers, and each number by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.layers import input_layers, make_net
from support.zoo import FOLDER

from caffe_lite import schema
from caffe_lite.commands import call_for
from caffe_lite.commands.summary import FLAGS, run
from caffe_lite.errors import FlagError, SchemaError, SnapshotError
from caffe_lite.layers.registry import known_types
from caffe_lite.net import Net
from caffe_lite.net.memory import measure
from caffe_lite.net.operations import multiply_adds
from caffe_lite.summary.rows import Row
from caffe_lite.summary.table import as_text

EXAMPLES = Path(__file__).parents[2] / "examples"
SIAMESE = EXAMPLES / "siamese" / "mnist_siamese_train_test.prototxt"
LENET = EXAMPLES / "mnist" / "lenet.prototxt"
KNOWN = {  # parameters, and multiply-adds of one image
    "examples__mnist__lenet": (431_080, 2_293_000),
    "models__bvlc_alexnet__deploy": (60_965_224, 724_406_816),
    "models__bvlc_googlenet__deploy": (6_998_552, 1_582_671_872),
}


def summary(path: Path, capsys: pytest.CaptureFixture[str], **flags: Any) -> Any:
    assert run(call_for(FLAGS, [str(path)], format="json", **flags)) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.skipif(not FOLDER.exists(), reason="Caffe's own prototxt files are no part of this repository")
@pytest.mark.parametrize("name", KNOWN)
def test_known_numbers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = summary(FOLDER / f"{name}.prototxt", capsys)
    batch = result["layers"][0]["tops"][0]["shape"][0]
    assert (result["totals"]["parameters"], result["totals"]["multiply_adds"] / batch) == KNOWN[name]


X = input_layers(x=(3, 4, 9, 7))
BY_HAND = {
    'Convolution" convolution_param { num_output: 6 group: 2 kernel_size: 3 stride: 2 }': 3 * (4 * 3) * 6 * (2 * 9),
    'DepthwiseConvolution" convolution_param { num_output: 4 kernel_size: 3 pad: 1 }': 3 * 63 * 4 * 9,
    'Deconvolution" convolution_param { num_output: 5 kernel_size: 2 stride: 2 }': 3 * 63 * 4 * 5 * 4,
    'InnerProduct" inner_product_param { num_output: 5 axis: 2 transpose: true }': 3 * 4 * 63 * 5,
    'ReLU"': 0, 'Pooling" pooling_param { kernel_size: 2 }': 0, 'LRN"': 0, 'BatchNorm"': 0, 'Scale"': 0, 'Softmax"': 0,
}


@pytest.mark.parametrize("text", BY_HAND)
def test_multiply_adds_by_hand(text: str) -> None:
    assert text.partition('"')[0] in known_types()
    net = make_net(f'{X} layer {{ name: "one" type: "{text} bottom: "x" top: "y" }}')
    assert multiply_adds(net.layers[1], net.bottoms[1], net.tops[1]) == BY_HAND[text]


@pytest.mark.parametrize(("kind", "static", "by_hand"), [
    # 5 steps of 2 streams, 3 values, 4 units: x to the gates, the hidden state to the gates
    ("LSTM", False, 5 * 2 * (16 * 3 + 16 * 4)),
    ("LSTM", True, 5 * 2 * (16 * 3 + 16 * 4) + 2 * 16 * 6),  # the static input's 6 values once
    ("RNN", False, 5 * 2 * (4 * 3 + 4 * 4 + 4 * 4)),  # and the hidden state to the output
])
def test_recurrent_by_hand(kind: str, static: bool, by_hand: int) -> None:
    text = input_layers(x=(5, 2, 3), cont=(5, 2), fixed=(2, 6)) + (
        f'layer {{ name: "one" type: "{kind}" bottom: "x" bottom: "cont" {"bottom: " + chr(34) + "fixed" + chr(34) if static else ""} '
        'top: "y" recurrent_param { num_output: 4 weight_filler { type: "xavier" } } }')
    net = make_net(text)
    i = net.layer_names.index("one")
    assert multiply_adds(net.layers[i], net.bottoms[i], net.tops[i]) == by_hand


def test_sharing_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    result = summary(SIAMESE, capsys, shape="pair_data=7,2,28,28:sim=7", phase="TRAIN")
    layers = {layer["name"]: layer for layer in result["layers"]}
    assert result["totals"]["parameters"] == 431_102
    assert layers["conv1_p"]["parameters"] == 0
    assert layers["conv1_p"]["notes"] == ["shares conv1"]
    assert layers["conv1_p"]["multiply_adds"] == layers["conv1"]["multiply_adds"] == 7 * 576 * 500
    assert layers["relu1"]["notes"] == ["in place"]
    assert layers["relu1"]["memory"] == 0
    assert layers["conv1"]["memory"] == 7 * 20 * 576 * 4
    assert not any("split" in name for name in layers)


def test_it_counts_as_the_net_does(capsys: pytest.CaptureFixture[str]) -> None:
    result = summary(LENET, capsys)
    net = Net.from_file(LENET)
    assert result["totals"]["memory"] == measure(net).values
    assert result["totals"]["parameters"] == sum(param.blob.count for param in net.params.learnable)
    shapes = {name: list(net.blobs[name].shape) for name in net.blobs}
    assert {top["name"]: top["shape"] for layer in result["layers"] for top in layer["tops"]} == shapes


def test_what_depends_on_data_is_unknown(capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(
        'layer { name: "d" type: "Data" top: "x" top: "l" data_param { source: "none" batch_size: 6 } '
        'transform_param { crop_size: 9 } }'
        'layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 5 kernel_size: 3 } }'
        'layer { name: "i" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 2 } }')
    result = summary(tmp_path / "net.prototxt", capsys)
    data, conv, ip = result["layers"]
    assert data["tops"][0]["shape"] == [6, None, 9, 9]
    assert (conv["tops"][0]["shape"], conv["parameters"]) == ([6, 5, 7, 7], None)
    assert ip["parameters"] == 2 * 245 + 2
    assert result["totals"]["parameters"] is None
    assert run(call_for(FLAGS, ["net.prototxt"])) == 0
    out = capsys.readouterr().out
    assert "6x?x9x9 6" in out
    assert "> 492" in out
    assert summary(tmp_path / "net.prototxt", capsys, shape="x=6,1,9,9:l=6")["layers"][1]["parameters"] == 50


def test_weights(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    param = Net.from_file(LENET).to_proto()
    next(layer for layer in param.layer if layer.name == "ip1").blobs[0].shape.dim[:] = [50, 8000]
    next(layer for layer in param.layer if layer.name == "conv2").name = "elsewhere"
    schema.write_binary(tmp_path / "w.caffemodel", param)
    result = summary(LENET, capsys, weights=str(tmp_path / "w.caffemodel"))
    found = {layer["name"]: layer.get("weights") for layer in result["layers"]}
    assert found["conv1"] == found["ip2"] == "found"
    assert found["conv2"] == "missing"
    assert found["ip1"] == "other shapes: 50x8000, 500"
    assert found["pool1"] is None
    assert result["only_in_weights"] == ["elsewhere"]
    with pytest.raises(SnapshotError):
        run(call_for(FLAGS, [str(LENET)], weights="none.caffemodel"))


def test_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(call_for(FLAGS, [str(LENET)], format="markdown")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "**LeNet (TEST)**"
    assert lines[2].startswith("| layer | type | output | parameters |")
    assert {line.count("|") for line in lines[2:]} == {lines[2].count("|")}
    assert "| ip1 | InnerProduct | 64x500 | 400,500 | 25,600,000 |" in lines[9]


ROWS = st.lists(st.builds(
    Row, st.text("abcdefgh/_", min_size=1, max_size=60), st.sampled_from(["ReLU", "Convolution", "SoftmaxWithLoss"]),
    st.just([("y", (64, 20, None, 24)), ("z", None)]), st.integers(0, 10**9), st.integers(0, 10**12),
    st.integers(0, 10**10), st.lists(st.just("shares conv1"), max_size=3)), min_size=1, max_size=5)


@given(ROWS, st.integers(20, 200))
@settings(max_examples=60)
def test_the_table_fits_the_terminal(rows: list[Row], width: int) -> None:
    lines = as_text("net", rows, width).splitlines()[1:]
    assert max(map(len, lines)) <= width
    assert len(lines) == len(rows) + 4


@pytest.mark.parametrize("flags", [{"format": "xml"}, {"phase": "LEARN"}, {"shape": "data=1,x"}, {"shape": "data"}])
def test_wrong_flags(flags: dict[str, str]) -> None:
    with pytest.raises(FlagError):
        run(call_for(FLAGS, [str(LENET)], **flags))


def test_a_net_with_mistakes(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text('layer { nam: "x" }')
    with pytest.raises(SchemaError, match="has no field nam"):
        run(call_for(FLAGS, [str(tmp_path / "net.prototxt")]))
