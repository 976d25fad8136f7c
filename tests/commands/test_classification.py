"""Images are classified as Caffe's program classifies them."""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.commands import call_for, classification
from caffe_lite.errors import DataError, FlagError, GraphError, SchemaError, ShapeError

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")
DATA = Path(__file__).parents[1] / "data" / "commands"
CAFFES = np.load(DATA / "classification.npz")
FILES = np.load(DATA / "convert_imageset.npz")
IMAGES = [name[5:] for name in FILES.files if name.startswith("file/")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that Caffe was given; the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "img").mkdir()
    for name in IMAGES:
        (tmp_path / "img" / name).write_bytes(FILES[f"file/{name}"].tobytes())
    for channels in "13":
        (tmp_path / f"net{channels}").write_text(str(CAFFES[f"{channels}/net"]))
        for kind in ("weights", "mean"):
            (tmp_path / f"{kind}{channels}").write_bytes(CAFFES[f"{channels}/{kind}"].tobytes())
    (tmp_path / "labels").write_text(str(CAFFES["labels"]))
    return tmp_path


def run(*args):
    return classification.run(call_for(classification.FLAGS, args))


def args_for(channels=3, **others):
    given = {"net": f"net{channels}", "weights": f"weights{channels}", "mean": f"mean{channels}", "labels": "labels",
             "image": "img/photo.jpg"} | others
    return list(given.values())


def predictions(text):
    """The headline, the labels and the scores."""
    headline, *lines = text.splitlines()
    scores, labels = zip(*[line.split(" - ", 1) for line in lines], strict=True)
    assert all(len(score) == 6 for score in scores)
    return headline, labels, [float(score) for score in scores]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", IMAGES)
def test_as_caffe_classifies(folder, channels, name, capsys):
    assert run(*args_for(channels, image=f"img/{name}")) == 0
    found, expected = predictions(capsys.readouterr().out), predictions(str(CAFFES[f"{channels}/{name}"]))
    assert found[:2] == expected[:2]
    exact = name.endswith(".png")  # another libjpeg may round otherwise
    np.testing.assert_allclose(found[2], expected[2], rtol=0, atol=1.01e-4 if exact else 0.02)


def test_fewer_than_five_classes(folder, capsys):
    (folder / "net").write_text(str(CAFFES["1/net"]).replace("num_output: 7", "num_output: 2"))
    from caffe_lite.net import Net

    Net.from_file("net").save("weights")
    (folder / "labels").write_text("eins\nzwei\n")
    run(*args_for(1, net="net", weights="weights"))
    assert sorted(predictions(capsys.readouterr().out)[1]) == ['"eins"', '"zwei"']


def test_the_image_is_read_last(folder, capsys):
    with pytest.raises(DataError, match="Unable to decode image img/none: No such file"):
        run(*args_for(image="img/none"))
    assert capsys.readouterr().out == "---------- Prediction for img/none ----------\n"
    with pytest.raises(DataError, match="Could not load labels: it is no image"):
        run(*args_for(image="labels"))


@pytest.mark.parametrize(("others", "error", "message"), [
    ({"mean": "mean1"}, ShapeError, "mean1: Number of channels of mean file doesn't match input layer: expected 3, found 1"),
    ({"mean": "labels"}, SchemaError, "labels: .* no whole BlobProto"),
    ({"labels": "none"}, DataError, "Unable to open labels file none: No such file"),
    ({"labels": "short"}, DataError, "short: Number of labels is different .* expected 7 lines, found 2"),
    ({"net": "two"}, GraphError, r"exactly one input and exactly one output; tiny has the inputs \['data', 'more'\]"),
    ({"net": "forked"}, GraphError, r"inputs \['data'\] and the outputs \['more', 'prob'\]. Give a deploy.prototxt"),
    ({"net": "deep"}, ShapeError, r"Input layer should have 1 or 3 channels: expected \(1, 3, height, width\), found \(4, 2, 6, 7\)"),
])  # fmt: skip
def test_mistakes(folder, others, error, message, capsys):
    net = str(CAFFES["3/net"])
    (folder / "two").write_text(net + 'layer { name: "m" type: "Input" top: "more" input_param { shape { dim: 1 } } }')
    (folder / "forked").write_text(net + 'layer { name: "m" type: "AbsVal" bottom: "data" top: "more" }')
    deep = net[: net.index('layer { name: "ip"')].replace("dim: 3", "dim: 2")
    (folder / "deep").write_text(deep + 'layer { name: "a" type: "AbsVal" bottom: "data" top: "out" }')
    (folder / "short").write_text("one\ntwo")
    with pytest.raises(error, match=message):
        run(*args_for(**others))
    assert capsys.readouterr().out == ""


def test_usage():
    with pytest.raises(FlagError, match=r"usage: classification DEPLOY\.PROTOTXT .* IMAGE; found no argument"):
        run()
