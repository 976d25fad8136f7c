"""The tutorials' files: the nets are Caffe's, and the scripts call what they say."""

import subprocess
from pathlib import Path

import pytest

from caffe_lite import schema

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "../shared/reference/prototxt"
NETS = ("siamese/mnist_siamese", "siamese/mnist_siamese_train_test", "mnist/lenet", "mnist/lenet_train_test")
SOLVERS = ("siamese/mnist_siamese_solver", "mnist/lenet_solver")


def read(name):
    cls = schema.SolverParameter if name in SOLVERS else schema.NetParameter
    return schema.read_text(ROOT / "examples" / f"{name}.prototxt", cls)


@pytest.mark.skipif(not RECORDED.exists(), reason="Caffe's own prototxt files are no part of this repository")
@pytest.mark.parametrize("name", NETS + SOLVERS)
def test_the_same_messages_as_caffes(name):
    ours = read(name)
    folder = RECORDED / ("solver" if name in SOLVERS else "v2")
    assert ours == schema.read_text(folder / f"examples__{name.replace('/', '__')}.prototxt", type(ours))


@pytest.mark.parametrize("name", ["siamese/mnist_siamese_train_test", "siamese/mnist_siamese"])
def test_the_siamese_nets_by_their_numbers(name):
    layers = {layer.name: layer for layer in read(name).layer}
    assert [layers[k].convolution_param.num_output for k in ("conv1", "conv2")] == [20, 50]
    assert [layers[k].inner_product_param.num_output for k in ("ip1", "ip2", "feat")] == [500, 10, 2]
    for layer in layers.values():
        if layer.name.endswith("_p"):  # the second branch shares all its parameters
            assert [p.name for p in layer.param] == [p.name for p in layers[layer.name[:-2]].param]
            assert layer.type == layers[layer.name[:-2]].type


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_name_their_nets(name):
    solver = read(name)
    assert (ROOT / solver.net).exists()
    assert (solver.base_lr, solver.lr_policy, solver.momentum) == (pytest.approx(0.01), "inv", pytest.approx(0.9))


@pytest.fixture
def checkout(tmp_path):
    """A copy of the scripts, with binaries that write down how they are called."""
    for script in ("examples/siamese", "examples/mnist", "data/mnist"):
        (tmp_path / script).mkdir(parents=True)
        for file in (ROOT / script).glob("*.sh"):
            (tmp_path / script / file.name).write_bytes(file.read_bytes())
            assert file.stat().st_mode & 0o111, f"{file} is not executable"
    for binary in (
        "build/tools/caffe",
        "build/examples/siamese/convert_mnist_siamese_data.bin",
        "build/examples/mnist/convert_mnist_data.bin",
        "bin/caffe_lite",
    ):
        path = tmp_path / binary
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\nfor w in {binary} "$@"; do printf "<%s>" "$w"; done >> "{tmp_path}/calls"\n'
                        f'echo >> "{tmp_path}/calls"\n')  # fmt: skip
        path.chmod(0o755)
    return tmp_path


def calls(checkout, script, *args, **env):
    path = f"{checkout / 'bin'}:/usr/bin:/bin"
    subprocess.run(["sh", script, *args], cwd=checkout, check=True, env={"PATH": path, **env}, capture_output=True)
    return (checkout / "calls").read_text().splitlines()


def test_create_mnist_siamese(checkout):
    old = checkout / "examples/siamese/mnist_siamese_train_leveldb"
    old.mkdir()
    binary = "<build/examples/siamese/convert_mnist_siamese_data.bin>"
    assert calls(checkout, "examples/siamese/create_mnist_siamese.sh") == [
        f"{binary}<./data/mnist/{name}-images-idx3-ubyte><./data/mnist/{name}-labels-idx1-ubyte>"
        f"<./examples/siamese/mnist_siamese_{phase}_leveldb>"
        for name, phase in (("train", "train"), ("t10k", "test"))
    ]
    assert not old.exists()


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_create_mnist(checkout, backend):
    env = {} if backend == "lmdb" else {"BACKEND": backend}
    assert calls(checkout, "examples/mnist/create_mnist.sh", **env) == [
        "<build/examples/mnist/convert_mnist_data.bin>"
        f"<./data/mnist/{name}-images-idx3-ubyte><./data/mnist/{name}-labels-idx1-ubyte>"
        f"<./examples/mnist/mnist_{phase}_{backend}><--backend={backend}>"
        for name, phase in (("train", "train"), ("t10k", "test"))
    ]


@pytest.mark.parametrize(
    ("script", "solver"),
    [
        ("examples/siamese/train_mnist_siamese.sh", "examples/siamese/mnist_siamese_solver.prototxt"),
        ("examples/mnist/train_lenet.sh", "examples/mnist/lenet_solver.prototxt"),
    ],
)
def test_training_passes_on_what_it_is_given(checkout, script, solver):
    assert calls(checkout, script, "--snapshot", "a file.solverstate") == [
        f"<build/tools/caffe><train><--solver={solver}><--snapshot><a file.solverstate>"
    ]


def test_get_mnist(checkout):
    assert calls(checkout, str(checkout / "data/mnist/get_mnist.sh")) == [
        f"<bin/caffe_lite><get_mnist><{checkout / 'data/mnist'}>"
    ]
