"""Nets in two threads at the same time compute, to the bit, what they compute alone."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from hashlib import sha256
from threading import Barrier, BrokenBarrierError

import numpy as np
import pytest
from support.layers import RECORDED, make_net
from support.training import example_net, example_solver

from caffe_lite import parallel, schema
from caffe_lite.solvers import Solver

CASES = sorted(path.stem for path in RECORDED.glob("*.npz"))
PASSES = 3


@pytest.fixture(autouse=True)
def two_workers(tmp_path, monkeypatch):
    """Kernels cut in two, on a machine with one core too; threads that take turns after 10 microseconds."""
    monkeypatch.setattr(parallel, "_threads", 2)
    monkeypatch.chdir(tmp_path)  # some nets write files
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def at_once(*works):
    """What some functions return that run at the same time, each in a thread."""
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(work) for work in works]
    errors = [error for future in futures if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, BrokenBarrierError)):
        raise error  # what went wrong, rather than that the others waited for it
    return [future.result() for future in futures]


@cache
def recorded(name):
    """A recorded case's arrays; read once, in the main thread, since numpy parses their headers with ``ast``, which
    Python 3.11 cannot do in two threads at once."""
    return dict(np.load(RECORDED / f"{name}.npz"))


def case_bits(name, shift, meet=lambda: None):
    """The digest of all arrays of a recorded net after some passes there and back, before each of which it ``meet``s.

    Its inputs are rolled by ``shift``, so that what is computed differs and labels stay labels.
    """
    case = recorded(name)
    arrays = {key: np.roll(case[key], shift) if key.startswith("input/") else case[key] for key in case}
    net = make_net(str(case["net"]), phase=schema.Phase.Value(str(case["phase"])), seed=abs(int(case["seed"])))
    layers = dict(zip(net.layer_names, net.layers, strict=True))
    blobs = [*net.blobs.values(), *(param.blob for param in net.params.learnable)]
    digest = sha256()
    for _ in range(PASSES):
        for key, array in arrays.items():
            kind, _, rest = key.partition("/")
            if kind == "input":
                net.blobs[rest].data[...] = array
            elif kind == "param":
                layer, index = rest.rsplit("/", 1)
                layers[layer].blobs[int(index)].data[...] = array
        meet()
        net.forward()
        meet()
        for key, array in arrays.items():
            if key.startswith("top_diff/"):
                net.blobs[key.partition("/")[2]].diff[...] = array
        if any(key.startswith(("input_diff", "param_diff")) for key in arrays):
            net.backward()
        for blob in blobs:
            digest.update(blob.data)
            digest.update(blob.diff)
    net.close()
    return digest.hexdigest()


def test_the_catalogue():
    """Each net beside itself with other inputs, which shows memory that two layers share, and beside another net."""
    alone = {(name, shift): case_bits(name, shift) for name in CASES for shift in (0, 1)}
    barrier = Barrier(3, timeout=60)
    for name, other in zip(CASES, [*CASES[1:], CASES[0]], strict=True):
        works = (name, 0), (name, 1), (other, 0)
        found = at_once(*(partial(case_bits, *work, barrier.wait) for work in works))
        assert found == [alone[work] for work in works], works


def without_data(name, shape, more=""):
    """An example's net that learns from noise."""
    net = example_net(name, train="", test="")
    kept = [layer for layer in net.layer if layer.type != "Data" and not layer.include]
    net.ClearField("layer")
    text = f"""layer {{ name: "noise" type: "DummyData" top: "data" top: "label"
                       dummy_data_param {{ shape {{ dim: {" dim: ".join(map(str, shape))} }} shape {{ dim: {shape[0]} }}
                                           data_filler {{ type: "gaussian" }} data_filler {{ value: 7 }} }} }}"""
    net.layer.extend(schema.parse_text(text, schema.NetParameter).layer)
    net.layer.extend(kept)
    net.layer.extend(schema.parse_text(more, schema.NetParameter).layer)
    return net


def training_bits(solver, net, seed):
    """The digest of the weights after some iterations."""
    param = example_solver(solver, random_seed=seed)
    param.ClearField("net")
    param.ClearField("test_iter")
    param.ClearField("test_interval")
    param.net_param.CopyFrom(net)
    training = Solver(param)
    training.step(25)
    training.close()
    weights = b"".join(param.blob.data.tobytes() for param in training.net.params.learnable)
    return sha256(weights).hexdigest()


def test_two_trainings():
    """With random numbers in every iteration, for dropout and for the data."""
    dropout = """layer { name: "drop" type: "Dropout" bottom: "ip1" top: "drop" }
                 layer { name: "again" type: "InnerProduct" bottom: "drop" top: "again"
                         inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
                 layer { name: "more" type: "SoftmaxWithLoss" bottom: "again" bottom: "label" top: "more" }"""
    lenet = without_data("mnist/lenet_train_test", (8, 1, 28, 28), dropout)
    cifar = without_data("cifar10/cifar10_full_train_test", (5, 3, 32, 32))
    works = [lambda: training_bits("mnist/lenet_solver", lenet, 5),
             lambda: training_bits("cifar10/cifar10_full_solver", cifar, 6)]  # fmt: skip
    alone = [work() for work in works]
    assert at_once(*works) == alone
    assert at_once(works[0], works[0], works[1]) == [alone[0], alone[0], alone[1]]
