"""``caffe.Classifier`` against Caffe's own, and ``classify.py``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import caffe
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
RECORDED = np.load(ROOT / "tests" / "data" / "pycaffe" / "predictions.npz")
MEAN = RECORDED["mean"]
SETTINGS = [
    {},
    {"image_dims": [16, 18], "mean": MEAN.mean(1).mean(1), "raw_scale": 2.0, "channel_swap": [2, 1, 0]},
    {"image_dims": [16, 18], "mean": MEAN, "raw_scale": 2.0, "channel_swap": (2, 1, 0), "input_scale": 0.5},
    {"image_dims": np.array([13, 12]), "mean": RECORDED["wide_mean"], "raw_scale": 3},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A net, its weights, and two images."""
    folder = tmp_path_factory.mktemp("classifier")
    (folder / "net.prototxt").write_text(str(RECORDED["net"]))
    net = caffe.Net(str(folder / "net.prototxt"), caffe.TEST)
    for name, params in net.params.items():
        for i, blob in enumerate(params):
            blob.data[...] = RECORDED[f"param/{name}/{i}"]
    net.save(str(folder / "net.caffemodel"))
    (folder / "images").mkdir()
    for i in range(2):
        Image.fromarray(RECORDED[f"image/{i}"]).save(folder / "images" / f"{i}.png")
    np.save(folder / "mean.npy", MEAN)
    return folder


def images(folder):
    return [caffe.io.load_image(folder / "images" / f"{i}.png") for i in range(2)]


@pytest.mark.parametrize("case", range(len(SETTINGS)))
def test_predictions_as_recorded(folder, case):
    net = caffe.Classifier(str(folder / "net.prototxt"), str(folder / "net.caffemodel"), **SETTINGS[case])
    found = net.predict(images(folder), oversample=case != 2)
    np.testing.assert_allclose(found, RECORDED[f"classifier/{case}"], atol=2e-7)


def test_it_is_a_net_with_a_transformer(folder):
    net = caffe.Classifier(str(folder / "net.prototxt"), str(folder / "net.caffemodel"), raw_scale=4)
    assert isinstance(net, caffe.Net)
    assert net.crop_dims.tolist() == [12, 12]
    assert net.image_dims.tolist() == [12, 12]
    assert (net.transformer.raw_scale, net.transformer.transpose) == ({"data": 4}, {"data": (2, 0, 1)})


@pytest.mark.parametrize("oversample", [False, True])
def test_images_smaller_than_the_input(folder, oversample):
    net = caffe.Classifier(str(folder / "net.prototxt"), str(folder / "net.caffemodel"), image_dims=[20, 11])
    with pytest.raises(ValueError, match="no crop of 12 x 12 fits into images of 20 x 11"):
        net.predict(images(folder), oversample)


def script(folder, *args):
    command = [sys.executable, str(ROOT / "python" / "classify.py"), *args]
    weights = ["--model_def", "net.prototxt", "--pretrained_model", "net.caffemodel"]
    return subprocess.run([*command, *weights], capture_output=True, text=True, timeout=60, cwd=folder)


def test_the_script(folder):
    flags = ["--images_dim", "16,18", "--mean_file", "mean.npy", "--raw_scale", "2", "--input_scale", ".5"]
    done = script(folder, "images", "out", "--ext", "png", "--center_only", *flags)
    assert done.returncode == 0, done.stderr
    assert "CPU mode\nLoading folder: images\nClassifying 2 inputs.\nDone in " in done.stdout
    assert done.stdout.endswith("s.\nSaving results into out\n")
    np.testing.assert_allclose(np.load(folder / "out.npy"), RECORDED["classifier/2"], atol=2e-7)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["images", "o.npy"], "there is no image *.jpg in this folder"),
        (["nowhere.png", "o.npy"], "nowhere.png"),
        (["several.npz", "o.npy", "--mean_file", "several.npz"], "several.npz: expected one numpy array (.npy), found several (.npz)"),
        (["mean.npy", "o.npy"], "mean.npy: expected images of shape (n, height, width, channels), found (3, 12, 12)"),
        (["images/0.png", "o.npy", "--images_dim", "16"], "--images_dim 16: expected height and width"),
        (["images/0.png", "o.npy", "--channel_swap", "a,b"], "--channel_swap a,b: expected whole numbers"),
        (["images/0.png", "o.npy", "--mean_file", "none.npy"], "none.npy: No such file or directory"),
        (["images/0.png", "o.npy", "--mean_file", "net.prototxt"], "net.prototxt: this is no numpy array"),
    ],
)
def test_the_script_says_what_is_wrong(folder, args, message, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "python"))
    monkeypatch.chdir(folder)
    np.savez("several.npz", a=np.zeros(2), b=np.zeros(3))
    flags = ["--model_def", "net.prototxt", "--pretrained_model", "net.caffemodel"]
    if "--mean_file" not in args:
        flags += ["--mean_file", ""]
    monkeypatch.setattr(sys, "argv", ["classify.py", *args, *flags])
    import classify

    assert classify.main() == 1
    assert capsys.readouterr().err.split("classify.py: ", 1)[1].startswith((message, f"images: {message}", "[Errno 2]"))
    assert not (folder / "o.npy").exists()
