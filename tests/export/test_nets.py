"""Whole nets in onnxruntime, each at two batches."""

from pathlib import Path

import pytest
from support.export import check, message_of, nets_of, operations
from support.layers import input_layers
from support.zoo import FOLDER, zoo_net

from caffe_lite import schema
from caffe_lite.errors import ExportError
from caffe_lite.export.deploy import check_types, deploy
from caffe_lite.export.load import build
from caffe_lite.export.model import to_onnx
from caffe_lite.export.registry import exported_types
from caffe_lite.export.sources import with_batch
from caffe_lite.export.verify import compare
from caffe_lite.upgrade import read_net
from tools.bench.nets import NETS
from tools.bench.nets.resnet import resnet
from tools.bench.weights import draw_weights

EXAMPLES = Path(__file__).parents[2] / "examples"


def alexnet(batch, train):
    """With smaller images, and full layers of 50 instead of 4096 numbers."""
    net = NETS["alexnet"].make(batch, train)
    net.layer[0].input_param.shape[0].dim[2:] = [67, 67]
    for layer in net.layer:
        if layer.name in ("fc6", "fc7"):
            layer.inner_product_param.num_output = 50
    return net


MAKERS = {name: NETS[name].make for name in ("siamese", "lenet", "cifar10_full")} | {
    "alexnet": alexnet, "resnet": lambda batch, train: resnet(batch, train, (1, 2), 32)}
OUTPUTS = {"siamese": (["feat"], ["feat", "feat_p"]), "lenet": (["prob"], ["ip2"]), "cifar10_full": (["prob"], ["ip1"]),
           "alexnet": (["prob"], ["fc8"]), "resnet": (["prob"], ["fc1000"])}


def exported(message, weights):
    nets = [build(with_batch(message, batch)) for batch in (1, 3)]
    nets[1].share_trained_layers_with(nets[0])
    nets[0].copy_trained_from(weights)
    model = to_onnx(nets)
    worst = compare(model.SerializeToString(), nets, nets[0].outputs)
    assert max(worst.values()) < 5e-5, worst
    return model


@pytest.mark.parametrize("name", MAKERS)
def test_net(name):
    make = MAKERS[name]
    weights = draw_weights(make(4, True))
    for train in (False, True):
        model = exported(deploy(make(4, train), {}), weights)
        assert [value.name for value in model.graph.output] == OUTPUTS[name][train]
        assert len(model.graph.input) == 1


def test_both_branches_of_a_siamese_net_have_one_set_of_weights():
    make = MAKERS["siamese"]
    model = exported(deploy(make(4, True), {}), draw_weights(make(4, True)))
    weights = [t for t in model.graph.initializer if t.data_type == 1]
    assert len(weights) == 10
    assert operations(model).count("Conv") == 4


def test_autoencoder():
    net = read_net(EXAMPLES / "mnist" / "mnist_autoencoder.prototxt")
    net.state.stage.append("test-on-test")
    message = deploy(net, {"data": (1, 28, 28)})
    training = schema.NetParameter.FromString(net.SerializeToString())
    training.layer[0].CopyFrom(schema.LayerParameter(name="data", type="Input", top=["data"]))
    training.layer[0].input_param.shape.add().dim.extend((4, 1, 28, 28))
    for other in [other for other in training.layer if other.type == "Data"]:
        training.layer.remove(other)
    assert [v.name for v in exported(message, draw_weights(training)).graph.output] == ["decode1neuron"]


@pytest.mark.skipif(not FOLDER.exists(), reason="Caffe's own prototxt files are no part of this repository")
@pytest.mark.parametrize("name", ["examples__cifar10__cifar10_full_sigmoid_train_test_bn", "examples__siamese__mnist_siamese_train_test"])
def test_net_of_caffe(name):
    training = zoo_net(name, schema.TRAIN, 4)
    exported(deploy(zoo_net(name, schema.TEST, 4), {}), draw_weights(training))


def head(bottom, sizes):
    """A detector's part on one map, as SSD's have it."""
    def conv(name, outputs):
        return f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 }} }}'

    def flat(name):
        return (f'layer {{ name: "{name}_p" type: "Permute" bottom: "{name}" top: "{name}_p" permute_param {{ order: 0 order: 2 order: 3 order: 1 }} }}'
                f'layer {{ name: "{name}_f" type: "Flatten" bottom: "{name}_p" top: "{name}_f" }}')
    return (conv(f"{bottom}_loc", 16) + flat(f"{bottom}_loc") + conv(f"{bottom}_conf", 12) + flat(f"{bottom}_conf")
            + f'layer {{ name: "{bottom}_prior" type: "PriorBox" bottom: "{bottom}" bottom: "data" top: "{bottom}_prior" prior_box_param {{ {sizes} aspect_ratio: 2 flip: true variance: 0.1 }} }}')


SSD = input_layers(data=(2, 3, 23, 29)) + """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "a" convolution_param { num_output: 5 kernel_size: 3 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "a" top: "a" }
layer { name: "norm" type: "Normalize" bottom: "a" top: "n" norm_param { across_spatial: false scale_filler { value: 8 } } }
layer { name: "conv2" type: "Convolution" bottom: "a" top: "b" convolution_param { num_output: 7 kernel_size: 3 dilation: 2 pad: 2 stride: 3 } }
""" + head("n", "min_size: 8 max_size: 16") + head("b", "min_size: 16 max_size: 28") + "".join(
    f'layer {{ name: "mbox_{kind}" type: "Concat" bottom: "n_{part}" bottom: "b_{part}" top: "mbox_{kind}" concat_param {{ axis: {axis} }} }}'
    for kind, part, axis in (("loc", "loc_f", 1), ("conf", "conf_f", 1), ("priorbox", "prior", 2))) + """
layer { name: "reshape" type: "Reshape" bottom: "mbox_conf" top: "r" reshape_param { shape { dim: 0 dim: -1 dim: 3 } } }
layer { name: "softmax" type: "Softmax" bottom: "r" top: "s" softmax_param { axis: 2 } }
layer { name: "flatten" type: "Flatten" bottom: "s" top: "f" }
layer { name: "detection" type: "DetectionOutput" bottom: "mbox_loc" bottom: "f" bottom: "mbox_priorbox" top: "detection"
        detection_output_param { num_classes: 3 } }
"""


def test_a_detector_without_its_detections():
    with pytest.raises(ExportError, match=r"detection \(DetectionOutput\); .*--outputs=mbox_loc,f,mbox_priorbox"):
        check_types(message_of(SSD), exported_types())
    model = check(SSD, outputs=["mbox_loc", "f", "mbox_priorbox"])
    assert [value.name for value in model.graph.output] == ["mbox_loc", "f", "mbox_priorbox"]


def test_a_layer_that_cannot_go_is_no_crash():
    with pytest.raises(ExportError, match=r"layer 'detection' \(DetectionOutput\) has no meaning in ONNX"):
        to_onnx(nets_of(message_of(SSD)))
