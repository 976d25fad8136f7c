"""Caffe's own nets: every top shape as Caffe's log prints it, and AlexNet and GoogLeNet run.

``tests/data/zoo_shapes.json`` is what ``caffe time`` printed of the same nets at a batch of 2.
"""

import json
import logging
import re
from pathlib import Path

import numpy as np
import pytest
from support.zoo import FOLDER, zoo_net

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.rng import Rng

SHAPES = json.loads((Path(__file__).parents[1] / "data" / "zoo_shapes.json").read_text())
LINE = re.compile(r"(Setting up|Top shape:|Memory required for data:) (.*)")

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="Caffe's own prototxt files are no part of this repository")


@pytest.mark.parametrize("key", sorted(SHAPES))
def test_shapes(key, caplog):
    name, phase = key.split("/")
    param = zoo_net(name, schema.Phase.Value(phase), batch=2)
    for layer in param.layer:  # 60 million weights take their time to draw
        layer.convolution_param.ClearField("weight_filler")
        layer.inner_product_param.ClearField("weight_filler")
    caplog.set_level(logging.INFO, "caffe_lite.net")
    Net(param).close()
    tops, memory = [], 0
    for record in caplog.records:
        if match := LINE.fullmatch(record.getMessage()):
            what, value = match.groups()
            if what == "Setting up":
                tops.append([value])
            elif what == "Top shape:":
                tops[-1].append(value)
            else:
                memory = int(value)
    assert tops == SHAPES[key]["tops"]
    assert memory == SHAPES[key]["memory"]


@pytest.mark.parametrize("name", ["models__bvlc_alexnet__train_val", "models__bvlc_googlenet__train_val"])
def test_there_and_back(name):
    net = Net(zoo_net(name, schema.TRAIN, batch=1), rng=Rng(1))
    net.blobs["data"].data[...] = np.random.default_rng(0).integers(-128, 128, net.blobs["data"].shape)
    net.blobs["label"].data[...] = 7
    loss = net.forward()
    assert np.isfinite(loss)
    assert loss > np.log(1000) / 2
    net.backward()
    for param in net.params.learnable:
        assert np.isfinite(param.blob.diff).all()
        assert param.blob.diff.any(), (param.layer, param.index)
    net.close()
