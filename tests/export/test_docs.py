"""What docs/export.md shows works."""

import re
from pathlib import Path

import numpy as np

from caffe_lite.commands import call_for, export, import_weights
from caffe_lite.net import Net

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.DOTALL)
LENET = str(ROOT / "examples" / "mnist" / "lenet.prototxt")


class Tensor:
    """As much of PyTorch's as the page uses."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    def numpy(self):
        return self.array


def test_a_model_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    net = Net.from_file(LENET)
    net.save("lenet.caffemodel")
    export.run(call_for(export.FLAGS, [LENET, "lenet.caffemodel", "lenet.onnx"]))
    exec(BLOCKS[0], {})
    assert capsys.readouterr().out == "(5, 10)\n"


def test_weights_come_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(
        'layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 7 } } }'
        'layer { name: "conv1" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 2 } }')

    class conv:
        weight, bias = Tensor(np.ones((4, 3, 2, 2), np.float32)), Tensor(np.arange(4, dtype=np.float32))

    exec(BLOCKS[2], {"conv": conv})
    import_weights.run(call_for(import_weights.FLAGS, ["net.prototxt", "net.npz", "net.caffemodel"]))
    assert Net.from_file("net.prototxt", weights="net.caffemodel").layers[1].blobs[1].data.tolist() == [0, 1, 2, 3]
