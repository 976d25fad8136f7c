"""The tutorials' files: the nets are Caffe's, and the scripts call what they say."""

import subprocess
from pathlib import Path

import pytest

from caffe_lite import schema

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "../shared/reference/prototxt"
EXAMPLES = ROOT / "examples"
NAMES = sorted(str(path.relative_to(EXAMPLES).with_suffix("")) for path in EXAMPLES.glob("*/*.prototxt"))
SOLVERS = [name for name in NAMES if "solver" in name]
OTHERS = {  # in what the recorded file is not the one of Caffe 1.0
    "cifar10/cifar10_quick_solver": ("snapshot_format",),
    "hdf5_classification/solver": ("net", "train_net", "test_net"),  # nets that a notebook writes
    "hdf5_classification/nonlinear_solver": ("net", "train_net", "test_net"),
}


def read(name):
    cls = schema.SolverParameter if name in SOLVERS else schema.NetParameter
    return schema.read_text(EXAMPLES / f"{name}.prototxt", cls)


@pytest.mark.skipif(not RECORDED.exists(), reason="Caffe's own prototxt files are no part of this repository")
@pytest.mark.parametrize("name", NAMES)
def test_the_same_messages_as_caffes(name):
    ours = read(name)
    folder = RECORDED / ("solver" if name in SOLVERS else "v2")
    caffes = schema.read_text(folder / f"examples__{name.replace('/', '__')}.prototxt", type(ours))
    for field in OTHERS.get(name, ()):
        ours.ClearField(field)
        caffes.ClearField(field)
    assert ours == caffes


@pytest.mark.parametrize("name", ["siamese/mnist_siamese_train_test", "siamese/mnist_siamese"])
def test_the_siamese_nets_by_their_numbers(name):
    layers = {layer.name: layer for layer in read(name).layer}
    assert [layers[k].convolution_param.num_output for k in ("conv1", "conv2")] == [20, 50]
    assert [layers[k].inner_product_param.num_output for k in ("ip1", "ip2", "feat")] == [500, 10, 2]
    for layer in layers.values():
        if layer.name.endswith("_p"):  # the second branch shares all its parameters
            assert [p.name for p in layer.param] == [p.name for p in layers[layer.name[:-2]].param]
            assert layer.type == layers[layer.name[:-2]].type


@pytest.mark.parametrize("name", [name for name in SOLVERS if "auto_" not in name])
def test_solvers_name_their_nets(name):
    solver = read(name)
    assert solver.HasField("net_param") or (ROOT / solver.net).exists()
    assert len(solver.test_iter) == max(1, len(solver.test_state))


@pytest.fixture
def checkout(tmp_path):
    """A copy of the scripts, with binaries that write down how they are called."""
    for script in ("examples/siamese", "examples/mnist", "examples/cifar10", "data/mnist"):
        (tmp_path / script).mkdir(parents=True)
        for file in (ROOT / script).glob("*.sh"):
            (tmp_path / script / file.name).write_bytes(file.read_bytes())
            assert file.stat().st_mode & 0o111, f"{file} is not executable"
    for binary in (
        "build/tools/caffe",
        "build/tools/compute_image_mean",
        "build/examples/cifar10/convert_cifar_data.bin",
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


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_create_cifar10(checkout, backend):
    old = checkout / f"examples/cifar10/cifar10_test_{backend}"
    old.mkdir()
    out = "./examples/cifar10"
    env = {} if backend == "lmdb" else {"DBTYPE": backend}
    assert calls(checkout, f"{out}/create_cifar10.sh", **env) == [
        f"<build/examples/cifar10/convert_cifar_data.bin><./data/cifar10><{out}><{backend}>",
        f"<build/tools/compute_image_mean><-backend={backend}><{out}/cifar10_train_{backend}>"
        f"<{out}/mean.binaryproto>",
    ]
    assert not old.exists()


@pytest.mark.parametrize(
    ("script", "solvers"),
    [
        ("siamese/train_mnist_siamese", ["siamese/mnist_siamese_solver"]),
        ("mnist/train_lenet", ["mnist/lenet_solver"]),
        ("mnist/train_lenet_adam", ["mnist/lenet_solver_adam"]),
        ("mnist/train_lenet_consolidated", ["mnist/lenet_consolidated_solver"]),
        ("mnist/train_lenet_rmsprop", ["mnist/lenet_solver_rmsprop"]),
        ("mnist/train_mnist_autoencoder", ["mnist/mnist_autoencoder_solver"]),
        ("mnist/train_mnist_autoencoder_adadelta", ["mnist/mnist_autoencoder_solver_adadelta"]),
        ("mnist/train_mnist_autoencoder_adagrad", ["mnist/mnist_autoencoder_solver_adagrad"]),
        ("mnist/train_mnist_autoencoder_nesterov", ["mnist/mnist_autoencoder_solver_nesterov"]),
        ("cifar10/train_full_sigmoid", ["cifar10/cifar10_full_sigmoid_solver"]),
        ("cifar10/train_full_sigmoid_bn", ["cifar10/cifar10_full_sigmoid_solver_bn"]),
        ("cifar10/train_quick", ["cifar10/cifar10_quick_solver", "cifar10/cifar10_quick_solver_lr1"]),
        ("cifar10/train_full", ["cifar10/cifar10_full_solver", "cifar10/cifar10_full_solver_lr1",
                                "cifar10/cifar10_full_solver_lr2"]),
    ],
)  # fmt: skip
def test_training_passes_on_what_it_is_given(checkout, script, solvers):
    found = calls(checkout, f"examples/{script}.sh", "--weights", "a file.caffemodel")
    given = "<--weights><a file.caffemodel>"
    states = [""]
    for before in map(read, solvers[:-1]):  # each goes on from the last snapshot of the one before
        ending = ".solverstate.h5" if before.snapshot_format == schema.SolverParameter.HDF5 else ".solverstate"
        states.append(f"<--snapshot={before.snapshot_prefix}_iter_{before.max_iter}{ending}>")
    assert found == [
        f"<build/tools/caffe><train><--solver=examples/{solver}.prototxt>{state}{given}"
        for solver, state in zip(solvers, states, strict=True)
    ]


def test_get_mnist(checkout):
    assert calls(checkout, str(checkout / "data/mnist/get_mnist.sh")) == [
        f"<bin/caffe_lite><get_mnist><{checkout / 'data/mnist'}>"
    ]
