"""Python layers: what a user's class gets and may do, where it is looked for, and how its mistakes are told."""

import os
import sys
import textwrap

import caffe
import numpy as np
import pytest
from support.layers import check_gradient, input_layers, make_net

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.errors import CaffeError, GraphError, ParameterError
from caffe_lite.net import Net
from caffe_lite.solvers.solver import read_solver

MODULE = """
import caffe
import numpy as np

calls = []

class Scaled(caffe.Layer):
    '''Times a number, and plus a parameter.'''
    def setup(self, bottom, top):
        calls.append("setup")
        self.factor = float(self.param_str or 10)
        self.blobs.add_blob(1)
        self.blobs[0].data[0] = 0.5

    def reshape(self, bottom, top):
        calls.append("reshape")
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        calls.append("forward")
        top[0].data[...] = self.factor * bottom[0].data + self.blobs[0].data[0]

    def backward(self, top, propagate_down, bottom):
        calls.append(propagate_down)
        self.blobs[0].diff[...] += top[0].diff.sum()
        if propagate_down[0]:
            bottom[0].diff[...] = self.factor * top[0].diff

class Euclidean(caffe.Layer):
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise ValueError("two inputs, please")

    def reshape(self, bottom, top):
        self.difference = np.zeros_like(bottom[0].data)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.difference[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = (self.difference ** 2).sum() / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                bottom[i].diff[...] = sign * top[0].diff[0] * self.difference / bottom[i].num

class Line(caffe.Layer):
    '''Points of a line with a new batch at each pass; in TEST without noise.'''
    def setup(self, bottom, top):
        self.rng = np.random.default_rng(self.phase)

    def reshape(self, bottom, top):
        top[0].reshape(16, 2)
        top[1].reshape(16, 1)

    def forward(self, bottom, top):
        x = self.rng.normal(size=(16, 2))
        top[0].data[...] = x
        top[1].data[...] = x @ [[3], [-2]] + 1 + (0.01 if self.phase == caffe.TRAIN else 0) * self.rng.normal(size=(16, 1))

    def backward(self, top, propagate_down, bottom):
        pass

class Broken(caffe.Layer):
    def setup(self, bottom, top):
        self.where = self.param_str
        self.fail_in("setup")

    def reshape(self, bottom, top):
        self.fail_in("reshape")
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.fail_in("forward")

    def backward(self, top, propagate_down, bottom):
        self.fail_in("backward")

    def fail_in(self, where):
        if where == self.where:
            {}["the key in " + where]

class Forgetful(caffe.Layer):
    def setup(self, bottom, top): pass
    def reshape(self, bottom, top): pass

helper = 3
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """The module in a working folder of its own, and nothing of it left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    (tmp_path / "my_layers.py").write_text(MODULE)
    yield "my_layers"
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def python(layer, bottoms="x", tops="y", module="my_layers", more="", param_str=None):
    names = "".join(f' bottom: "{name}"' for name in bottoms) + "".join(f' top: "{name}"' for name in tops)
    given = f' param_str: "{param_str}"' if param_str is not None else ""
    return (
        f'layer {{ name: "mine" type: "Python"{names} {more} '
        f'python_param {{ module: "{module}" layer: "{layer}"{given} }} }}\n'
    )


def test_forward_and_backward():
    net = make_net("force_backward: true " + input_layers(x=(2, 3)) + python("Scaled", param_str="4", more="loss_weight: 1"))
    calls = sys.modules["my_layers"].calls
    assert calls == ["setup", "reshape"]
    net.blobs["x"].data[...] = [[0, 1, 2], [3, 4, 5]]
    assert net.forward() == 6 * 0.5 + 4 * 15
    assert net.blobs["y"].data.tolist() == [[0.5, 4.5, 8.5], [12.5, 16.5, 20.5]]
    net.clear_param_diffs()
    net.backward()
    assert calls[2:] == ["reshape", "forward", [True]]  # reshape before each forward pass, as in Caffe
    assert (net.blobs["x"].diff == 4).all()
    assert net.params.learnable[0].blob.diff.tolist() == [6]


def test_reshape():
    net = make_net(input_layers(x=(2, 3)) + python("Scaled"))
    net.blobs["x"].reshape((5, 1, 2))
    net.forward()
    assert net.blobs["y"].shape == (5, 1, 2)


def test_parameters_are_learned_shared_and_saved(tmp_path):
    text = input_layers(x=(2, 3)) + python("Scaled", more='param { name: "p" lr_mult: 2 }')
    text += python("Scaled", "y", "z", more='param { name: "p" }').replace("mine", "other")
    net = make_net(text)
    assert [param.lr_mult for param in net.params.learnable] == [2]
    net.layers[1].blobs[0].data[0] = 7
    assert net.layers[-1].blobs[0].data[0] == 7
    net.save(tmp_path / "w.caffemodel")
    other = make_net(text)
    other.copy_trained_from(tmp_path / "w.caffemodel")
    assert other.layers[1].blobs[0].data[0] == 7


def test_gradient():
    random = np.random.default_rng(2)
    inputs = {"x": random.normal(size=(3, 2)), "t": random.normal(size=(3, 2))}
    check_gradient(python("Euclidean", "xt", more="loss_weight: 3"), inputs)
    check_gradient(python("Scaled", param_str="-0.3"), {"x": inputs["x"]})


def test_propagate_down():
    net = make_net(
        input_layers(x=(2, 3), t=(2, 3)) + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "i" '
        "inner_product_param { num_output: 3 } }" + python("Euclidean", "it", more="loss_weight: 1")
    )
    assert net.propagate_down[-1] == [True, False]
    net.forward()
    net.backward()


def test_what_a_blob_shows(tmp_path):
    (tmp_path / "shows.py").write_text(textwrap.dedent("""
        import caffe
        import numpy as np
        class Shows(caffe.Layer):
            def setup(self, bottom, top):
                a, b = bottom
                assert (a.num, a.channels, a.height, a.width, a.count, a.shape) == (2, 3, 4, 1, 24, (2, 3, 4))
                assert (b.num, b.width, len(b.shape)) == (1, 1, 0)
                assert bottom[-1].count == len(top) == 1 and [x.count for x in bottom] == [24, 1]
                assert (self.phase, self.param_str, self.type) == (caffe.TEST, "", "Python")
                self.blobs.add_blob(2, 3)
                self.blobs.add_blob(1)
                assert len(self.blobs) == 2 and self.blobs[0].shape == (2, 3) and not self.blobs[1].data.any()
                assert [blob.count for blob in self.blobs] == [6, 1] and self.blobs[1:][0].num == 1
                for wrong in (lambda: setattr(a, "data", 3), lambda: self.wide.num):
                    try:
                        wrong()
                    except AttributeError:
                        continue
                    raise AssertionError("no AttributeError")
            def reshape(self, bottom, top):
                top[0].reshape()
                assert top[0].data.shape == ()
            def forward(self, bottom, top):
                top[0].data[()] = bottom[0].data.sum()
                assert bottom[0].data is not None and bottom[0].diff.shape == (2, 3, 4)
            def backward(self, top, propagate_down, bottom): pass
    """))
    text = input_layers(x=(2, 3, 4)) + 'layer { name: "d" type: "Input" top: "s" input_param { shape {} } }'
    net = make_net(text + python("Shows", "xs", module="shows"), phase=schema.TEST)
    net.blobs["x"].data.fill(0.25)
    net.forward()
    assert net.blobs["y"].data == 6
    assert [blob.shape for blob in net.layers[-1].blobs] == [(2, 3), (1,)]


def test_found_beside_the_prototxt(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    os.rename("my_layers.py", "model/my_layers.py")
    (tmp_path / "model" / "net.prototxt").write_text(input_layers(x=(1,)) + python("Scaled"))
    net = Net.from_file("model/net.prototxt")
    net.blobs["x"].data[...] = 2
    net.forward()
    assert net.blobs["y"].data.tolist() == [20.5]


def test_the_constants():
    assert (caffe.TRAIN, caffe.TEST) == (schema.TRAIN, schema.TEST) == (0, 1)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"layer": ""}, ParameterError, "needs a module and a layer"),
        ({"layer": "Scaled", "module": "no_such"}, GraphError,
         r"there is no Python module 'no_such': looked for it on PYTHONPATH and in /"),
        ({"layer": "Scaled", "module": "my_layers.deeper"}, GraphError, "there is no Python module 'my_layers.deeper'"),
        ({"layer": "Scald"}, GraphError, r"has no layer 'Scald'.* found Scaled, Euclidean, Line, Broken, Forgetful"),
        ({"layer": "helper"}, GraphError, "has no layer 'helper'"),
        ({"layer": "Forgetful"}, CaffeError, r"needs a method forward\(self, bottom, top\)"),
    ],
)  # fmt: skip
def test_wrong_names(fields, error, message):
    with pytest.raises(error, match=rf"(?s)layer 'mine' \(Python\): .*{message}"):
        make_net(input_layers(x=(1,)) + python(**fields)).forward()


@pytest.mark.parametrize("where", ["setup", "reshape", "forward", "backward"])
def test_an_exception_in_the_users_code(where):
    text = "force_backward: true " + input_layers(x=(1,)) + python("Broken", param_str=where, more="loss_weight: 1")

    def run():
        net = make_net(text)
        net.forward()
        net.backward()

    with pytest.raises(CaffeError, match=rf"layer 'mine' \(Python\): {where} of my_layers\.Broken failed:") as caught:
        run()
    lines = str(caught.value).splitlines()
    assert lines[1].startswith("Traceback")
    assert lines[-1] == f"KeyError: 'the key in {where}'"
    assert "my_layers.py" in lines[2]  # the user's frames only
    assert not any("caffe_lite" in line for line in lines[2:])
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import caffe\nimport no_such_thing\n", "No module named 'no_such_thing'"),
        ("import caffe\n1 / 0\n", "ZeroDivisionError: division by zero"),
        ("class Layer(:\n", "SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported(tmp_path, source, message):
    (tmp_path / "broken.py").write_text(source)
    with pytest.raises(CaffeError, match=rf"(?s)the import of its module of broken\.L failed:.*broken\.py.*{message}"):
        make_net(input_layers(x=(1,)) + python("L", module="broken"))


SOLVER = """
net: "net.prototxt" base_lr: 0.1 momentum: 0.5 lr_policy: "fixed" max_iter: 60 display: 20 test_iter: 2
test_interval: 60 random_seed: 3 snapshot_prefix: "snap" snapshot_after_train: false
"""
IP = 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 1 } }\n'


def write_training():
    net = python("Line", "", "xt").replace("mine", "data") + IP + python("Euclidean", "yt", ["loss"], more="loss_weight: 1")
    with open("net.prototxt", "w") as file:
        file.write(net)
    with open("solver.prototxt", "w") as file:
        file.write(SOLVER)


def test_training_with_python_layers_only():
    write_training()
    solver = read_solver("solver.prototxt")
    solver.solve()
    weights, bias = (param.blob.data for param in solver.net.params.learnable)
    np.testing.assert_allclose(weights, [[3, -2]], atol=0.01)
    np.testing.assert_allclose(bias, [1], atol=0.01)
    assert solver.test_nets[0].layers[0].user.phase == caffe.TEST
    solver.close()


def test_from_the_command_line(capfd):
    write_training()
    assert main(["train", "--solver=solver.prototxt"]) == 0
    log = capfd.readouterr().err
    losses = [float(line.split("= ")[1].split()[0]) for line in log.splitlines() if "Test net output #0: loss" in line]
    assert losses[0] > 3
    assert losses[-1] < 1e-3


def test_a_mistake_from_the_command_line(capfd):
    write_training()
    with open("my_layers.py", "a") as file:
        file.write("\nLine.forward = lambda self, bottom, top: 1 / 0\n")
    assert main(["train", "--solver=solver.prototxt"]) == 1
    log = capfd.readouterr().err
    assert "layer 'data' (Python): forward of my_layers.Line failed:" in log
    assert "ZeroDivisionError: division by zero" in log
    assert "bug in caffe_lite" not in log
