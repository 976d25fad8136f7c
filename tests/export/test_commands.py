"""The commands ``export`` and ``import``."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.commands import call_for, export, import_weights
from caffe_lite.errors import CaffeError, DependencyError, ExportError, FlagError, SnapshotError
from caffe_lite.export import verify
from caffe_lite.net import Net

LENET = Path(__file__).parents[2] / "examples" / "mnist" / "lenet.prototxt"
TRAINING = LENET.with_name("lenet_train_test.prototxt")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "lenet.caffemodel"
    net = Net.from_file(LENET)
    rng = np.random.default_rng(1)
    for param in net.params.learnable:
        param.blob.data[...] = 0.05 * rng.standard_normal(param.blob.shape)
    net.save(path)
    return str(path)


def run(command, *args, **flags):
    return command.run(call_for(command.FLAGS, [str(arg) for arg in args], **flags))


def test_export(weights, tmp_path, caplog):
    caplog.set_level("INFO", "caffe_lite")
    assert run(export, LENET, weights, tmp_path / "lenet.onnx") == 0
    model = onnx.load(tmp_path / "lenet.onnx")
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["data", "prob"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [opset.version for opset in model.opset_import] == [13]
    assert "Inputs: data; outputs: prob; batch: any" in caplog.text
    assert "Largest difference from onnxruntime, of the largest value: prob " in caplog.text
    assert "Initializing net" not in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["lenet.onnx"]


def test_a_net_as_it_is_trained(weights, tmp_path, caplog):
    caplog.set_level("INFO", "caffe_lite")
    with pytest.raises(ExportError, match="--shapes=data:3x227x227"):
        run(export, TRAINING, weights, tmp_path / "lenet.onnx")
    assert run(export, TRAINING, weights, tmp_path / "lenet.onnx", shapes="data:1x28x28", outputs="ip2, pool1") == 0
    assert [value.name for value in onnx.load(tmp_path / "lenet.onnx").graph.output] == ["ip2", "pool1"]
    assert "Left out: accuracy (Accuracy), loss (SoftmaxWithLoss)" in caplog.text


def test_a_difference_leaves_no_file(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "TOLERANCE", 1e-9)
    with pytest.raises(ExportError, match="Nothing was written"):
        run(export, LENET, weights, tmp_path / "lenet.onnx")
    assert not list(tmp_path.iterdir())


def test_a_layer_that_cannot_go_leaves_no_file(tmp_path, weights):
    net = tmp_path / "net.prototxt"
    net.write_text(LENET.read_text() + 'layer { name: "odd" type: "Python" bottom: "prob" top: "odd" }')
    with pytest.raises(ExportError, match=r"odd \(Python\)"):
        run(export, net, weights, tmp_path / "lenet.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.prototxt"]


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
@pytest.mark.parametrize("model", [".caffemodel", ".caffemodel.h5"])
def test_weights_there_and_back(weights, tmp_path, ending, model):
    assert run(export, LENET, weights, tmp_path / f"w{ending}") == 0
    assert run(import_weights, TRAINING, tmp_path / f"w{ending}", tmp_path / f"back{model}", shapes="data:1x28x28") == 0
    first, second = Net.from_file(LENET, weights=weights), Net.from_file(LENET, weights=str(tmp_path / f"back{model}"))
    for mine, theirs in zip(first.params.learnable, second.params.learnable, strict=True):
        assert mine.blob.data.tobytes() == theirs.blob.data.tobytes()


def test_arrays_of_another_net(weights, tmp_path):
    run(export, LENET, weights, tmp_path / "w.npz")
    net = tmp_path / "net.prototxt"
    net.write_text(LENET.read_text().replace("num_output: 500", "num_output: 400"))
    with pytest.raises(SnapshotError, match=r"ip1/0 has the shape \(500, 800\), the net needs \(400, 800\).*ip2/0"):
        run(import_weights, net, tmp_path / "w.npz", tmp_path / "w.caffemodel")
    assert not (tmp_path / "w.caffemodel").exists()


@pytest.mark.parametrize(("command", "args", "flags", "kind", "words"), [
    (export, ["a", "b"], {}, FlagError, "usage: export NET WEIGHTS OUT; found a b"),
    (export, ["a", "b", "c.pb"], {}, FlagError, r"c\.pb: cannot tell the format .* one of \.onnx, \.npz, \.safetensors"),
    (export, ["a", "b", "c.npz"], {}, CaffeError, "a"),
    (export, [LENET, "b", "c.npz"], {"shapes": "data"}, FlagError, "cannot understand 'data'"),
    (export, [LENET, "b", "c.npz"], {"shapes": "data:1xa"}, FlagError, "cannot understand 'data:1xa'"),
    (export, [LENET, "b", "c.npz"], {"outputs": "x"}, ExportError, "no layer makes 'x'"),
    (export, [LENET, "gone.caffemodel", "c.npz"], {}, SnapshotError, "gone.caffemodel"),
    (import_weights, ["a"], {}, FlagError, "usage: import NET WEIGHTS OUT"),
    (import_weights, ["a", "b", "c.npz"], {}, FlagError, r"written as \.caffemodel or \.caffemodel\.h5"),
    (import_weights, [LENET, "b", "c.caffemodel"], {}, SnapshotError, "cannot tell the format"),
])
def test_mistakes(command, args, flags, kind, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=words):
        run(command, *args, **flags)
    assert not list(tmp_path.iterdir())


def test_shapes():
    assert export.parse_shapes("data:3x5, a:b:7 ,label:") == {"data": (3, 5), "a:b": (7,), "label": ()}


def test_the_package_is_asked_for_first(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyError, match=r"pip install 'caffe_lite\[onnx\]'"):
        run(export, "gone", "gone", "x.onnx")


def test_from_the_command_line(weights, tmp_path, capfd):
    assert main(["export", str(LENET), weights, str(tmp_path / "w.safetensors")]) == 0
    assert main(["import", str(LENET), str(tmp_path / "w.safetensors"), str(tmp_path / "w.caffemodel")]) == 0
    assert "Wrote 8 arrays to" in capfd.readouterr().err
    assert main(["import", str(LENET), "gone.npz", str(tmp_path / "x.caffemodel")]) == 1
    assert schema.read_binary(tmp_path / "w.caffemodel", schema.NetParameter).name == "LeNet"
