"""Contestants compute the same: only then does it mean something that one is faster."""

from __future__ import annotations

import numpy as np
import pytest

from tools.bench.cases import BACKWARD, FORWARD, TRAIN, Case, prepared
from tools.bench.contestants import CONTESTANTS, OURS
from tools.bench.nets import NETS
from tools.bench.nets.resnet import resnet
from tools.bench.nets.spec import Spec, image_inputs
from tools.bench.rounds import difference

CLOSE = 1e-4
PEERS = ["pytorch", "opencv", "onnxruntime"]


def everything(batch, train):
    """All that the large nets are made of, small; without the dropout in training, which is everybody's own."""
    net = Spec("everything", image_inputs(batch, 33, train))
    x = net.lrn("norm", net.relu("relu1", net.conv("conv1", "data", 12, 5, 2, 1)))
    x = net.pool("pool1", x, "MAX", 3, 2)
    pooled = net.pool("pool2", x, "MAX", 3, 1, 1)
    x = net.add("Concat", "both", [net.conv("conv2", x, 6, 3, pad=1, group=3), net.conv("conv3", pooled, 4, 1)])
    x = net.relu("relu2", x)
    if not train:
        x = net.dropout("drop", x, 0.3)
    x = net.pool("pool3", x, "AVE", 4, 3)
    x = net.full("scores", x, 7)
    if train:
        net.loss("loss", x, 0.7)
    else:
        net.add("Softmax", "prob", x)
    return net.message()


def small_resnet(batch, train):
    return resnet(batch, train, blocks=(1, 1, 2), size=53)


MAKE = {"everything": everything, "small_resnet": small_resnet,
        **{name: NETS[name].make for name in ("siamese", "lenet", "cifar10_full")}}


@pytest.fixture(params=MAKE)
def name(request):
    return request.param


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


def contestant(peer):
    found = CONTESTANTS[peer]
    if (why := found.missing()) is not None:
        pytest.skip(f"{peer}: {why}")
    return found


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("peer", PEERS)
def test_forward(name, peer, tmp_path):
    with prepared(Case("nets", name, FORWARD, 3), MAKE[name], tmp_path) as ready:
        ours, theirs = (contestant(c).load(ready.folder, FORWARD) for c in (OURS, peer))
        assert ours.result.std() > 1e-3  # not all the same
        assert difference(theirs.result, ours.result) < CLOSE
        assert len(theirs.run(2)) == 2


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("peer", ["pytorch"])
def test_backward(name, peer, tmp_path):
    """The loss, and the gradients of all weights, which do not add up from one pass to the next."""
    with prepared(Case("nets", name, BACKWARD, 3), MAKE[name], tmp_path) as ready:
        ours, theirs = (contestant(c).load(ready.folder, BACKWARD) for c in (OURS, peer))
        assert difference(theirs.result, ours.result) < CLOSE
        for runner in (ours, theirs):
            assert len(runner.run(2)) == 2
        layers = dict(zip(ours._net.layer_names, ours._net.layers, strict=True))
        for key, tensor in theirs._net.parameters_of.items():
            layer, _, index = key.rpartition(":")
            if layers[layer].type != "BatchNorm":
                found, expected = layers[layer].blobs[int(index)].diff, tensor.grad.numpy()
                assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max() + 1e-6, key


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("peer", ["pytorch"])
def test_training(name, peer, tmp_path, monkeypatch):
    """The loss of the first iteration, and all weights after three at a rate that moves them."""
    for module in ("engine", peer):
        if CONTESTANTS[peer].missing() is None:
            monkeypatch.setattr(f"tools.bench.contestants.{module}.RATE", 0.01)
    with prepared(Case("nets", name, TRAIN, 3), MAKE[name], tmp_path) as ready:
        ours, theirs = (contestant(c).load(ready.folder, TRAIN) for c in (OURS, peer))
        assert difference(theirs.result, ours.result) < CLOSE
        for runner in (ours, theirs):
            assert len(runner.run(2)) == 2
        net = ours._solver.net
        layers = dict(zip(net.layer_names, net.layers, strict=True))
        moved = 0.0
        for key, tensor in theirs._net.parameters_of.items():
            layer, _, index = key.rpartition(":")
            if layers[layer].type == "BatchNorm":
                continue  # Caffe and PyTorch average statistics in ways of their own
            blob = layers[layer].blobs[int(index)]
            gap = np.abs(tensor.detach().numpy() - blob.data).max()
            assert gap < CLOSE * np.abs(blob.data).max() + 1e-5, key  # some began at 0 and are small still
            moved = max(moved, abs(blob.diff).max())
        assert moved > 1e-4  # or the test would see nothing


def test_an_unknown_layer_is_named(tmp_path):
    contestant("pytorch")
    from caffe_lite import schema
    from caffe_lite.errors import GraphError
    from tools.bench.contestants.pytorch_layers import CaffeNet

    net = schema.parse_text('layer { name: "odd" type: "SPP" bottom: "x" top: "y" }', schema.NetParameter)
    with pytest.raises(GraphError, match=r"'odd': the benchmark's PyTorch has no SPP; known: BatchNorm, "):
        CaffeNet(net, {"x": (1, 2, 3, 3)})
