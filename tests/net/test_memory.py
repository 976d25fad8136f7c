"""What a net says of its memory is what it takes, and the zoo's nets take no more than they should."""

import numpy as np
import pytest
from support.layers import make_net
from support.zoo import FOLDER, zoo_net

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.net.memory import measure
from caffe_lite.rng import Rng

BRANCHES = """
    layer { name: "in" type: "Input" top: "data" top: "label"
            input_param { shape { dim: 17 dim: 3 dim: 9 dim: 8 } shape { dim: 17 } } }
    layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
            convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "relu" type: "ReLU" bottom: "conv1" top: "conv1" }
    layer { name: "norm" type: "LRN" bottom: "conv1" top: "norm" }
    layer { name: "conv2" type: "Convolution" bottom: "norm" top: "conv2"
            convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
    layer { name: "pool" type: "Pooling" bottom: "conv1" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
    layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
            inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
    layer { name: "sum" type: "Reduction" bottom: "conv2" top: "sum" loss_weight: 1 }
"""


def allocated(memories):
    return sum(memory.array.nbytes for memory in {id(m): m for m in memories}.values())


def test_the_figure_is_what_a_pass_takes():
    net = make_net(BRANCHES)
    figure = measure(net)
    net.blobs["label"].data[...] = 2
    net.forward()
    net.backward()
    blobs = [blob for tops in net.tops for blob in tops]
    assert figure.values == allocated(blob.data_memory for blob in blobs)
    assert figure.gradients == allocated(blob.diff_memory for blob in blobs)
    assert measure(net) == figure
    conv1, conv2 = (17 * 5 * 7 * 6, 17 * 4 * 7 * 6)  # in place and split: one array each for the values
    assert figure.values == 4 * (17 * 3 * 9 * 8 + 17 + 2 * conv1 + conv2 + 17 * 5 * 4 * 3 + 17 * 6 + 2)


def test_convolutions_share_their_scratch_memory():
    net = make_net(BRANCHES)
    engines = [layer._engine for layer in net.layers if layer.type == "Convolution"]
    assert engines[0]._parts is engines[1]._parts


def test_a_net_that_is_not_trained_takes_no_gradients():
    net = make_net(BRANCHES)
    net.blobs["label"].data[...] = 2
    net.forward()
    losses = sum(blob.nbytes for losses in net._losses for blob, _ in losses)
    assert allocated(blob.diff_memory for tops in net.tops for blob in tops) == losses


@pytest.mark.skipif(not FOLDER.exists(), reason="Caffe's own prototxt files are no part of this repository")
@pytest.mark.parametrize("name", ["models__bvlc_alexnet__train_val", "models__bvlc_googlenet__train_val"])
def test_the_zoo_trains_within_twice_caffes_blobs(name, caplog):
    param = zoo_net(name, schema.TRAIN, batch=10)
    for layer in param.layer:  # 60 million weights take their time to draw
        layer.convolution_param.ClearField("weight_filler")
        layer.inner_product_param.ClearField("weight_filler")
    caplog.set_level("INFO", "caffe_lite.net")
    net = Net(param, rng=Rng(1))
    printed = [int(r.args[0]) for r in caplog.records if r.msg.startswith("Memory required for data")][-1]
    ours = [r.args for r in caplog.records if r.msg.startswith("Memory of blobs")][-1]
    assert ours == tuple(measure(net))
    assert np.sum(ours) < 2 * printed
