"""``caffe.Detector`` against Caffe's own, and ``detect.py``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from types import SimpleNamespace

import caffe
import numpy as np
import pytest
from PIL import Image

from caffe_lite.errors import DependencyError, ParameterError

ROOT = Path(__file__).parents[2]
RECORDED = np.load(ROOT / "tests" / "data" / "pycaffe" / "predictions.npz")
MEAN = RECORDED["mean"]
SETTINGS = [
    {},
    {"context_pad": 2},
    {"context_pad": 3, "mean": MEAN.mean(1).mean(1), "raw_scale": 2.0, "channel_swap": [2, 1, 0]},
    {"context_pad": 1, "mean": MEAN, "raw_scale": 2.0, "channel_swap": [1, 2, 0]},
]
WINDOWS = [RECORDED[f"windows/{i}"] for i in range(2)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A net, its weights, and two images, in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(str(RECORDED["net"]))
    net = caffe.Net("net.prototxt", caffe.TEST)
    for name, params in net.params.items():
        for i, blob in enumerate(params):
            blob.data[...] = RECORDED[f"param/{name}/{i}"]
    net.save("net.caffemodel")
    for i in range(2):
        Image.fromarray(RECORDED[f"image/{i}"]).save(f"{i}.png")
    return tmp_path


@pytest.mark.parametrize("case", range(len(SETTINGS)))
def test_detections_as_recorded(folder, case):
    net = caffe.Detector("net.prototxt", "net.caffemodel", **SETTINGS[case])
    found = net.detect_windows((f"{i}.png", windows) for i, windows in enumerate(WINDOWS))
    np.testing.assert_allclose([one["prediction"] for one in found], RECORDED[f"detector/{case}"], atol=2e-7)
    assert [one["filename"] for one in found] == ["0.png"] * 4 + ["1.png"] * 2
    np.testing.assert_array_equal([one["window"] for one in found], np.concatenate(WINDOWS))


def test_no_windows(folder):
    net = caffe.Detector("net.prototxt", "net.caffemodel")
    assert net.detect_windows([("0.png", [])]) == []


@pytest.mark.parametrize("context", [None, 2])
@pytest.mark.parametrize("window", [[60, 70, 90, 95], [-30, -30, -20, -20]])
def test_windows_that_show_nothing(folder, context, window):
    net = caffe.Detector("net.prototxt", "net.caffemodel", context_pad=context)
    with pytest.raises(ParameterError, match=r"shows nothing of an image 40 high and 50 wide"):
        net.crop(np.zeros((40, 50, 3), np.float32), window)


def test_a_context_that_leaves_no_window(folder):
    with pytest.raises(ParameterError, match="context_pad 6: expected less than half the input's width, 12"):
        caffe.Detector("net.prototxt", "net.caffemodel", context_pad=6)


def test_selective_search(folder, monkeypatch):
    net = caffe.Detector("net.prototxt", "net.caffemodel")
    with pytest.raises(DependencyError, match=r"MATLAB.*--crop_mode=list"):
        net.detect_selective_search(["0.png"])
    asked = []

    def get_windows(names, cmd):
        asked.append((names, cmd))
        return WINDOWS

    program = SimpleNamespace(get_windows=get_windows)
    monkeypatch.setitem(sys.modules, "selective_search_ijcv_with_python", program)
    found = net.detect_selective_search(["0.png", "1.png"])
    names = [str(folder / "0.png"), str(folder / "1.png")]
    assert asked == [(names, "selective_search_rcnn")]
    np.testing.assert_allclose([one["prediction"] for one in found], RECORDED["detector/0"], atol=2e-7)


@pytest.fixture
def script(folder, monkeypatch):
    """``detect.py`` as a function of its arguments."""
    monkeypatch.syspath_prepend(str(ROOT / "python"))
    import detect

    def run(*args):
        net = ["--model_def", "net.prototxt", "--pretrained_model", "net.caffemodel", "--mean_file", ""]
        monkeypatch.setattr(sys, "argv", ["detect.py", *net, *args])
        return detect.main()

    lines = ["filename, xmin, ymin, xmax, ymax"]
    lines += [f"{i}.png,{w[1]},{w[0]}.0,{w[3]},{w[2]}" for i in (0, 1) for w in WINDOWS[i]]
    lines.append(lines.pop(1))  # the windows of an image need not stand together
    Path("in.csv").write_text("\n".join(lines) + "\n")
    return run


def test_the_script(script, capsys):
    assert script("in.csv", "out.csv", "--crop_mode=list", "--context_pad=2", "--raw_scale=1") == 0
    assert "Loading input...\nProcessed 6 windows in " in capsys.readouterr().out
    with open("out.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["filename", "ymin", "xmin", "ymax", "xmax", *(f"class{i}" for i in range(7))]
    order = [1, 2, 3, 0, 4, 5]
    assert [row[0] for row in rows[1:]] == ["0.png"] * 4 + ["1.png"] * 2
    np.testing.assert_array_equal(np.array([row[1:5] for row in rows[1:]], int), np.concatenate(WINDOWS)[order])
    found = np.array([row[5:] for row in rows[1:]], float)
    with_channels_swapped = caffe.Detector("net.prototxt", "net.caffemodel", channel_swap=[2, 1, 0], raw_scale=1,
                                           context_pad=2)
    expected = with_channels_swapped.detect_windows([("0.png", WINDOWS[0]), ("1.png", WINDOWS[1])])
    np.testing.assert_allclose(found, np.array([one["prediction"] for one in expected])[order], atol=1e-7)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["in.csv", "o.csv", "--context_pad=1"], "selective search needs"),
        (["0.png", "o.csv"], "0.png: expected a .txt or .csv file"),
        (["in.txt", "o.csv", "--crop_mode=list"], "in.txt: expected a .csv file with --crop_mode=list"),
        (["bad.csv", "o.csv", "--crop_mode=list"], "bad.csv:1: expected a first line 'filename,xmin,ymin,xmax,ymax', which names no ymin"),
        (["words.csv", "o.csv", "--crop_mode=list"], "words.csv:3: expected a number for ymin"),
        (["empty.csv", "o.csv", "--crop_mode=list", "--context_pad=1"], "empty.csv: no window"),
        (["nowhere.csv", "o.csv", "--crop_mode=list"], "[Errno 2] No such file or directory: 'nowhere.csv'"),
    ],
)
def test_the_script_says_what_is_wrong(script, args, message, capsys):
    Path("bad.csv").write_text("filename,xmin,xmax,ymax\n")
    Path("words.csv").write_text("filename,xmin,ymin,xmax,ymax\n0.png,1,2,3,4\n0.png,1,two,3,4\n")
    Path("empty.csv").write_text("filename,xmin,ymin,xmax,ymax\n")
    assert script(*args) == 1
    assert f"detect.py: {message}" in capsys.readouterr().err
    assert not Path("o.csv").exists()


def test_a_table_of_pandas_needs_pandas(script, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tables", None)
    assert script("in.csv", "out.h5", "--crop_mode=list", "--context_pad=2") == 1
    said = capsys.readouterr()
    assert "pip install 'caffe_lite[detect]'" in said.err
    assert "Processed" not in said.out  # told before the work, not after
