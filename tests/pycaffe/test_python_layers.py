"""Layers that a program writes itself, seen from that program."""

import sys

import caffe
import numpy as np
import pytest
from support.pycaffe import make_net

from caffe_lite.binding.layer import BuiltinLayer

MODULE = """
import caffe

class Scaled(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(2, 1)
        self.blobs[0].data[...] = 3
        self.batches = []
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)
    def set_batches(self, batches):
        self.batches = batches
    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data * self.blobs[0].data + (self.batches.pop() if self.batches else 0)
    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum()
        bottom[0].diff[...] = top[0].diff * self.blobs[0].data

class Mine(Exception):
    pass

class Broken(Scaled):
    def where(self, name):
        if name == self.param_str:
            try:
                {}["deep"]
            except KeyError as error:
                raise Mine("in " + name) from error
    def setup(self, bottom, top):
        super().setup(bottom, top)
        self.where("setup")
    def reshape(self, bottom, top):
        super().reshape(bottom, top)
        self.where("reshape")
    def forward(self, bottom, top):
        self.where("forward")
    def backward(self, top, propagate_down, bottom):
        self.where("backward")
"""


def text(layer, param_str=""):
    return f"""force_backward: true
        layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 }} }} }}
        layer {{ name: "mine" type: "Python" bottom: "x" top: "y" loss_weight: 1
                python_param {{ module: "the_layers" layer: "{layer}" param_str: "{param_str}" }} }}"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "the_layers.py").write_text(MODULE)
    yield
    sys.modules.pop("the_layers", None)


def test_the_net_shows_the_users_own_object():
    """Programs hand data to their layers so: ``net.layers[0].set_roidb(...)``."""
    net = make_net(text=text("Scaled"))
    layer = net.layers[1]
    assert type(layer) is sys.modules["the_layers"].Scaled
    assert net.layer_dict["mine"] is layer
    assert (layer.type, layer.phase, layer.param_str) == ("Python", caffe.TRAIN, "")
    assert isinstance(net.layers[0], BuiltinLayer)
    layer.set_batches([100, 200])
    for added in (200, 100, 0):
        np.testing.assert_array_equal(net.forward(x=np.ones((2, 3)))["y"], np.full((2, 3), 3 + added))
    net.backward()
    assert net.params["mine"][0].diff.tolist() == [[6], [6]]
    assert (net.blobs["x"].diff == 3).all()


@pytest.mark.parametrize("where", ["setup", "reshape", "forward", "backward"])
def test_an_exception_comes_as_it_was_raised(where):
    def run():
        net = make_net(text=text("Broken", where))
        net.forward()
        net.backward()

    with pytest.raises(Exception, match=f"^in {where}$") as caught:
        run()
    error = caught.value
    assert type(error) is sys.modules["the_layers"].Mine
    assert isinstance(error.__cause__, KeyError)
    assert error.__context__ is error.__cause__
    assert any("the_layers.py" in str(entry.path) for entry in caught.traceback)


def test_an_exception_in_a_solver():
    with open("net.prototxt", "w") as file:
        file.write(text("Broken", "forward"))
    with open("solver.prototxt", "w") as file:
        file.write('net: "net.prototxt" base_lr: 1 lr_policy: "fixed" max_iter: 1 snapshot_prefix: "s"')
    solver = caffe.SGDSolver("solver.prototxt")
    for call in (solver.solve, lambda: solver.step(1)):
        with pytest.raises(Exception, match="^in forward$"):
            call()


def test_layers_without_methods():
    class Empty(caffe.Layer):
        pass

    layer = Empty(caffe._caffe.LayerParameter())
    for call in (lambda: layer.setup([], []), lambda: layer.reshape([], []), lambda: layer.forward([], []),
                 lambda: layer.backward([], [], [])):  # fmt: skip
        with pytest.raises(NotImplementedError, match="Python layer needs a method"):
            call()
