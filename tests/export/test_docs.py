"""What docs/export.md shows works."""

import re
from pathlib import Path
from types import SimpleNamespace

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
    lenet = {layer.name: layer.blobs for layer in Net.from_file(LENET).layers if layer.blobs}
    net = SimpleNamespace(**{name: SimpleNamespace(**{part: Tensor(np.full(blob.shape, len(name) + i, np.float32))
                                                      for i, (part, blob) in enumerate(zip(("weight", "bias"), blobs, strict=True))})
                             for name, blobs in lenet.items()})
    exec(BLOCKS[-1], {"np": np, "net": net})
    import_weights.run(call_for(import_weights.FLAGS, [LENET, "lenet.npz", "lenet.caffemodel"]))
    found = {layer.name: layer.blobs for layer in Net.from_file(LENET, weights="lenet.caffemodel").layers if layer.blobs}
    assert found.keys() == {"conv1", "conv2", "ip1", "ip2"}
    assert all((blob.data == len(name) + i).all() for name, blobs in found.items() for i, blob in enumerate(blobs))
