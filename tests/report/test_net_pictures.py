"""Filters, activations, confusion and embedding of a small net, as ``plot`` draws them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.databases import write_idx
from support.watched import BODY, ENDS, INPUT, train, write_net

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.errors import DataError, GraphError, ShapeError
from caffe_lite.net import Net
from caffe_lite.report.activations import activations
from caffe_lite.report.confusion import class_accuracies, count_confusion, draw_confusion
from caffe_lite.report.embedding import blob_features, in_plane
from caffe_lite.report.filters import draw_filters, layer_of
from caffe_lite.report.labels import classes_of
from caffe_lite.report.tiles import colored, tile

WEIGHTS = "s_iter_6.caffemodel"
ROWS = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 dim: 9 } } }
layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 6 kernel_size: 3 } }"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("net")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_net()
        train()
    return folder


@pytest.fixture
def net(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    monkeypatch.chdir(trained)
    net = Net.from_file("net.prototxt", schema.TEST, weights=WEIGHTS)
    yield net
    net.close()


def net_of(text: str) -> Net:
    param = schema.parse_text(text, schema.NetParameter)
    param.state.phase = schema.TEST
    return Net(param)


def plot(capfd: pytest.CaptureFixture[str], *args: str, code: int = 0) -> str:
    capfd.readouterr()
    assert main(["plot", *args]) == code
    return capfd.readouterr().err


def test_tiles() -> None:
    pictures = np.arange(5 * 2 * 3, dtype=np.float32).reshape(5, 2, 3)
    sheet = tile(pictures, columns=2, fill=-1)
    assert sheet.shape == (3 * 3 - 1, 2 * 4 - 1)
    np.testing.assert_array_equal(sheet[3:5, 4:7], pictures[3])
    np.testing.assert_array_equal(sheet[6:8, :3], pictures[4])
    assert (sheet[2] == -1).all()
    assert (sheet[:, 3] == -1).all()
    assert (sheet[6:, 4:] == -1).all()
    assert tile(np.zeros((7, 4, 4, 3), np.float32), columns=99).shape == (4, 7 * 5 - 1, 3)


def test_colors_are_red_green_and_blue() -> None:
    filters = np.zeros((2, 3, 4, 5), np.float32)
    filters[0, 0, 1, 2], filters[1, 2] = 4, -2  # blue above zero; red below it
    pictures = colored(filters)
    assert pictures.shape == (2, 4, 5, 3)
    assert pictures[0, 1, 2].tolist() == [0.5, 0.5, 1]
    assert pictures[1, 0, 0].tolist() == [0.25, 0.5, 0.5]


def test_confusion_against_the_accuracy(net: Net) -> None:
    counts = count_confusion(net, 5)
    assert counts.sum() == 500
    shares = []
    again = Net.from_file("net.prototxt", schema.TEST, weights=WEIGHTS)
    try:
        for _ in range(5):
            again.forward()
            shares.append(float(again.blobs["accuracy"].data))
    finally:
        again.close()
    assert counts.trace() / 500 == pytest.approx(np.mean(shares))


def test_confusion_by_hand() -> None:
    net = net_of("""layer { name: "in" type: "Input" top: "scores" top: "label"
                            input_param { shape { dim: 2 dim: 3 dim: 2 } shape { dim: 2 dim: 2 } } }
                    layer { name: "accuracy" type: "Accuracy" bottom: "scores" bottom: "label" top: "accuracy"
                            accuracy_param { ignore_label: 9 } }""")
    net.blobs["scores"].data[...] = np.moveaxis([[[1, 5, 2], [7, 7, 0]], [[0, 0, 1], [3, 9, 3]]], 2, 1)
    net.blobs["label"].data[...] = [[1, 1], [2, 9]]
    counts = count_confusion(net, 1)
    assert counts.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 1]]
    np.testing.assert_array_equal(class_accuracies(counts), [np.nan, 0.5, 1])
    net.blobs["label"].data[0, 1] = 3
    with pytest.raises(DataError, match="label 3 at position 1"):
        count_confusion(net, 1)


@pytest.mark.parametrize("classes", [2, 25, 70])
def test_pictures_of_few_and_many_classes(tmp_path: Path, classes: int) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (classes, classes))
    counts[1] = 0
    names = [f"class <{i}> & $x" for i in range(classes)]
    draw_confusion(counts, names, tmp_path / "x.html", "title")
    text = (tmp_path / "x.html").read_text()
    assert "class &lt;1&gt; &amp; $x</td><td>0</td><td></td><td></td>" in text


def test_no_scores() -> None:
    with pytest.raises(GraphError, match="no layer that compares scores with labels.*Accuracy"):
        classes_of(net_of(INPUT + BODY))
    assert classes_of(net_of(INPUT + 'layer { name: "l" type: "Input" top: "label" input_param { shape { dim: 9 } } }'
                             + BODY + ENDS)) == ("ip2", "label", 1, None)  # fmt: skip


def test_which_layer_has_filters(net: Net) -> None:
    assert layer_of(net, "").name == "conv1"
    assert layer_of(net, "ip2").name == "ip2"
    with pytest.raises(GraphError, match="--layer=loss: no layer with filters.*conv1, ip1, ip2"):
        layer_of(net, "loss")


@pytest.mark.parametrize(
    ("layer", "title"),
    [
        ("convolution_param { num_output: 4 kernel_size: 2 }", "4 filters, 2 × 2"),
        ("convolution_param { num_output: 35 kernel_h: 2 kernel_w: 3 }", "35 filters, 2 × 3"),
        ("inner_product_param { num_output: 6 }", "6 outputs, each over 5 × 7 pixels"),
        ("inner_product_param { num_output: 6 transpose: true }", "weights of shape"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_filters_of_all_shapes(tmp_path: Path, layer: str, title: str, channels: int) -> None:
    kind = "Convolution" if layer.startswith("conv") else "InnerProduct"
    net = net_of(f'name: "n" layer {{ name: "in" type: "Input" top: "data" input_param {{ shape {{ dim: 2 dim: {channels} '
                 f'dim: 5 dim: 7 }} }} }} layer {{ name: "l" type: "{kind}" bottom: "data" top: "x" {layer} }}')
    net.layers[1].blobs[0].data[...] = np.random.default_rng(0).normal(size=net.layers[1].blobs[0].shape)
    draw_filters(net, "", tmp_path / "x.html")
    heading = re.findall("<h1>(.*)</h1>", (tmp_path / "x.html").read_text())[0]
    if channels == 5:
        title = title.replace("filters,", "filters of 5 channels,").replace("6 outputs, each over 5 × 7 pixels", "weights of")
        title += ", the first 32 and 5 channels of each" if "35" in title else ""
    assert heading.startswith(f"n l: {title}")


def test_activations(net: Net) -> None:
    deploy = Net.from_file("deploy.prototxt", schema.TEST, weights=WEIGHTS)
    net.forward()
    image = net.blobs["data"].data[3]
    name, values = activations(deploy, image)
    assert name == "conv1"
    np.testing.assert_allclose(values, net.blobs["conv1"].data[3], rtol=1e-4, atol=1e-6)
    assert activations(deploy, image, "ip1")[0] == "feat"  # a layer
    with pytest.raises(GraphError, match="--layer=fete"):
        activations(deploy, image, "fete")
    with pytest.raises(ShapeError, match=r"takes images of shape \(1, 28, 28\), this has \(3, 28, 28\)"):
        activations(deploy, np.zeros((3, 28, 28)), "")
    with pytest.raises(GraphError, match="one input of images"):
        activations(net, image)


def test_features_and_labels(net: Net) -> None:
    points, labels = blob_features(net, "feat", "label", 2)
    assert (points.shape, labels.shape) == ((200, 2), (200,))
    again = Net.from_file("net.prototxt", schema.TEST, weights=WEIGHTS)
    for i in range(2):
        again.forward()
        np.testing.assert_array_equal(points[100 * i : 100 * i + 100], again.blobs["feat"].data)
        np.testing.assert_array_equal(labels[100 * i : 100 * i + 100], again.blobs["label"].data)
    again.close()
    with pytest.raises(ShapeError, match="no blob 'fete'"):
        blob_features(net, "fete", "label", 1)
    with pytest.raises(ShapeError, match="one label for each point"):
        blob_features(net, "feat", "conv1", 1)


def test_the_plane_of_most_variance() -> None:
    random = np.random.default_rng(1)
    inside = random.normal(size=(300, 2)) * [7, 3]
    axes = np.linalg.qr(random.normal(size=(5, 5)))[0]
    points = inside @ axes[:2] + 0.01 * random.normal(size=(300, 5)) + 40
    plane, share = in_plane(points)
    assert share == pytest.approx(1, abs=1e-3)
    for i in range(2):
        assert abs(np.corrcoef(plane[:, i], inside[:, i])[0, 1]) > 0.99
    same, share = in_plane(inside)
    assert same is inside
    assert share == 1
    line, share = in_plane(inside[:, :1])
    assert line.shape == (300, 2)
    assert share == pytest.approx(1)


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_the_command(trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], ending: str) -> None:
    monkeypatch.chdir(trained)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save("cat.png")
    kinds = {
        "filters": ("net.prototxt", WEIGHTS),
        "activations": ("deploy.prototxt", WEIGHTS, "cat.png", "--mean=30", "--scale=0.01"),
        "confusion": ("net.prototxt", WEIGHTS),
        "embedding": ("net.prototxt", WEIGHTS, "--iterations=2"),
    }
    for kind, args in kinds.items():
        log = plot(capfd, kind, *args, f"{kind}.{ending}")
        assert f"{kind}.{ending}" in log.splitlines()[-1]
        assert Path(f"{kind}.{ending}").stat().st_size > 3000
        if kind == "confusion":
            assert "of 500 items" in log
    if ending == "html":
        for kind in kinds:
            text = Path(f"{kind}.html").read_text()
            assert not re.findall(r'(?:src|href)="(?!#|data:)', text)
            assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("filters", "net.prototxt", "x.png"), "usage: plot filters NET WEIGHTS OUT; found filters net.prototxt x.png"),
        (("filters", "net.prototxt", WEIGHTS, "x.bmp"), "x.bmp: cannot tell"),
        (("confusion", "net.prototxt", WEIGHTS, "x.png", "--iterations=-1"), "--iterations=-1: give 1 or more"),
        (("confusion", "net.prototxt", WEIGHTS, "x.png", "--classes=net.prototxt"), "expected 10 lines"),
        (("confusion", "net.prototxt", WEIGHTS, "x.png", "--classes=none"), "none: cannot read the classes' names"),
        (("activations", "deploy.prototxt", WEIGHTS, "none.png", "x.png"), "none.png: No such file"),
        (("activations", "deploy.prototxt", WEIGHTS, "cat.png", "x.png", "--mean=1,2"), "expected 1 number or 1"),
        (("activations", "deploy.prototxt", WEIGHTS, "cat.png", "x.png", "--mean=1-2"), "give numbers separated by ','"),
        (("activations", "deploy.prototxt", WEIGHTS, "images-idx3-ubyte:4", "x.png"), "have the numbers 0 to 3"),
        (("activations", "two.prototxt", WEIGHTS, "cat.png", "x.png"), "1 or 3 channels, and the net's input has 2"),
        (("filters", "rows.prototxt", "rows.caffemodel", "x.png"), "2 or 4 axes are drawn, found the shape (6, 2, 3)"),
        (("embedding", "net.prototxt", WEIGHTS, "x.png", "--blob=fete"), "no blob 'fete'"),
    ],
)
def test_what_is_wrong(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], args: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(trained)
    Image.new("L", (28, 28)).save("cat.png")
    write_idx(trained, np.zeros((4, 28, 28), np.uint8), [0] * 4)
    Path("two.prototxt").write_text(INPUT.replace("dim: 1 ", "dim: 2 "))
    Path("rows.prototxt").write_text(ROWS)
    net_of(ROWS).save("rows.caffemodel")
    log = plot(capfd, *args, code=1)
    assert message in log
    assert "Traceback" not in log
    assert not Path("x.png").exists()
