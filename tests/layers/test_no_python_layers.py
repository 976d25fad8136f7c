"""A prototxt that names a Python layer runs code: it says so once, or is refused before anything is imported."""

import pytest

from caffe_lite import schema
from caffe_lite.commands import call_for, time
from caffe_lite.commands.caffe import FLAGS
from caffe_lite.errors import LimitError
from caffe_lite.limits import Limits, within
from caffe_lite.net import Net

MODULE = """
from pathlib import Path
Path("ran").write_text("")
class Same:
    def __init__(self, param): pass
    def setup(self, bottom, top): pass
    def reshape(self, bottom, top): top[0].reshape(2)
    def forward(self, bottom, top): pass
    def backward(self, top, propagate_down, bottom): pass
"""
LAYER = 'layer {{ name: "{}" type: "Python" top: "{}" python_param {{ module: "{}" layer: "Same" }} }}\n'


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = f"code_of_strangers_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{module}.py").write_text(MODULE)
    path = tmp_path / "net.prototxt"
    path.write_text(LAYER.format("a", "x", module) + LAYER.format("b", "y", module))
    return path


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if "runs code" in record.getMessage()]


def test_said_once(net, caplog):
    for phase in (schema.TRAIN, schema.TEST, schema.TEST):
        Net.from_file(net, phase)
    (line,) = warnings(caplog)
    assert line.startswith(f"{net} runs code: its Python layers import modules, code_of_strangers_")
    assert (net.parent / "ran").exists()


def test_refused(net):
    with within(Limits(None, python_layers=False)), pytest.raises(
            LimitError, match=r"^layer 'a' \(Python\): .*net.prototxt wants to run code, .*\.Same, and --no_python_layers"):
        Net.from_file(net)
    assert not (net.parent / "ran").exists()


def test_refused_by_the_flag(net):
    with pytest.raises(LimitError, match="no_python_layers"):
        time.run(call_for(FLAGS, model=str(net), iterations=1, no_python_layers=True))
    assert not (net.parent / "ran").exists()


def test_refused_in_the_solvers_command(net):
    from caffe_lite.commands import train

    solver = net.parent / "solver.prototxt"
    solver.write_text(f'net: "{net}" base_lr: 0.1 lr_policy: "fixed" max_iter: 1')
    with pytest.raises(LimitError, match="no_python_layers"):
        train.run(call_for(FLAGS, solver=str(solver), no_python_layers=True))
    assert not (net.parent / "ran").exists()


def test_refused_for_a_program_by_the_environment(net, monkeypatch):
    caffe = pytest.importorskip("caffe")
    monkeypatch.setenv("CAFFE_LITE_NO_PYTHON_LAYERS", "1")
    with pytest.raises(Exception, match="no_python_layers"):
        caffe.Net(str(net), caffe.TEST)
    assert not (net.parent / "ran").exists()
