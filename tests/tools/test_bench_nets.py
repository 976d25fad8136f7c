"""The nets that are timed are those of Caffe's model zoo and of the papers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.zoo import FOLDER, zoo_net

from caffe_lite import schema
from caffe_lite.net import Net
from tools.bench.growth import growth_cases
from tools.bench.nets import NETS
from tools.bench.nets.resnet import resnet
from tools.bench.weights import arrays, draw_weights, fill_inputs

TIMES = ("Convolution", "InnerProduct", "LRN", "Pooling", "ReLU", "Dropout", "Concat")


def build(param, train):
    param.state.phase = schema.TRAIN if train else schema.TEST
    for layer in param.layer:  # millions of weights take their time to draw
        layer.convolution_param.ClearField("weight_filler")
        layer.inner_product_param.ClearField("weight_filler")
    return Net(param)


def parameters(net):
    """How many numbers learn."""
    return sum(p.blob.count for p in net.params.learnable if p.lr_mult)


@pytest.mark.parametrize(
    ("name", "train", "count", "outputs"),
    [
        ("alexnet", True, 60_965_224, ["loss"]),
        ("alexnet", False, 60_965_224, ["prob"]),
        ("googlenet", True, 13_378_280, ["loss1/loss", "loss2/loss", "loss3/loss3"]),
        ("googlenet", False, 6_998_552, ["prob"]),
        ("resnet50", True, 25_557_032, ["loss"]),
        ("resnet50", False, 25_557_032, ["prob"]),
        ("siamese", True, 431_102, ["loss"]),
        ("cifar10_full", False, 89_578, ["prob"]),
    ],
)
def test_parameters_and_outputs(name, train, count, outputs):
    net = build(NETS[name].make(2, train), train)
    assert (parameters(net), net.outputs) == (count, outputs)


@pytest.mark.skipif(not FOLDER.exists(), reason="Caffe's own prototxt files are no part of this repository")
@pytest.mark.parametrize("name", ["alexnet", "googlenet"])
def test_weights_of_the_zoo_fit(name):
    """Layer by layer the same kinds, names and shapes where there are weights, and the same losses."""
    ours = build(NETS[name].make(2, True), True)
    theirs = build(zoo_net(f"models__bvlc_{name}__train_val", schema.TRAIN, 2), True)

    def facts(net):
        return [(layer.type, layer.name if layer.blobs else "", [b.shape for b in layer.blobs],
                 [b.shape for b in tops]) for layer, tops in zip(net.layers, net.tops, strict=True)
                if layer.type in TIMES]

    def key(fact):
        return json.dumps(fact)

    assert sorted(facts(ours), key=key) == sorted(facts(theirs), key=key)
    assert sorted(ours.loss_weights.values()) == pytest.approx(sorted(theirs.loss_weights.values()))


def test_deeper_nets_have_their_layers():
    for case, make in growth_cases(quick=False):
        if case.group == "depth":
            types = [layer.type for layer in make(1, True).layer]
            shortcuts = 4  # are not counted
            depth = types.count("Convolution") + types.count("InnerProduct") - shortcuts
            assert case.net.startswith(f"resnet{depth},")


def test_weights_keep_every_layer_awake():
    param = resnet(4, True, blocks=(1, 1), size=48)
    message = draw_weights(param)
    assert {key for key in arrays(message) if key.startswith("bn_conv1:")} == {f"bn_conv1:{i}" for i in range(3)}
    net = build(resnet(3, False, blocks=(1, 1), size=48), False)
    net.copy_trained_from(message)
    fill_inputs(net, np.random.default_rng(2))
    net.forward()
    for layer, tops in zip(net.layers, net.tops, strict=True):
        if layer.type in ("Convolution", "InnerProduct"):
            assert 0.2 < tops[0].data.std() < 5, layer.name


def test_nets_are_written_from_the_examples():
    examples = Path(__file__).parents[2] / "examples"
    net = NETS["siamese"].make(7, True)
    source = schema.read_text(examples / "siamese/mnist_siamese_train_test.prototxt", schema.NetParameter)
    assert list(net.layer[0].top) == ["pair_data", "sim"]
    assert [list(shape.dim) for shape in net.layer[0].input_param.shape] == [[7, 2, 28, 28], [7]]
    assert list(net.layer[1:]) == [layer for layer in source.layer if layer.type != "Data"]
