"""A folder in which the commands of the pages can run: small data and random weights under the names that pages use."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from support.databases import digit_records, make_database
from support.images import encoded

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.rng import Rng
from caffe_lite.upgrade import read_net

ROOT = Path(__file__).parents[2]
CAFFENET = """
name: "CaffeNet, for tests"
layer {
  name: "data" type: "Data" top: "data" top: "label"
  include { phase: TRAIN }
  transform_param { mirror: true crop_size: 227 mean_file: "imagenet_mean.binaryproto" }
  data_param { source: "ilsvrc12_train_lmdb" batch_size: 256 backend: LMDB }
}
layer {
  name: "data" type: "Data" top: "data" top: "label"
  include { phase: TEST }
  transform_param { crop_size: 227 mean_file: "imagenet_mean.binaryproto" }
  data_param { source: "ilsvrc12_val_lmdb" batch_size: 50 backend: LMDB }
}
layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 4 kernel_size: 11 stride: 16 weight_filler { type: "gaussian" std: 0.001 } }
}
layer {
  name: "fc8" type: "InnerProduct" bottom: "conv1" top: "fc8"
  param { lr_mult: 1 } param { lr_mult: 2 }
  inner_product_param { num_output: 1000 weight_filler { type: "gaussian" std: 0.001 } }
}
layer { name: "accuracy" type: "Accuracy" bottom: "fc8" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc8" bottom: "label" top: "loss" }
"""
SMALLER = {"test_iter: 100": "test_iter: 2", "batch_size: 64": "batch_size: 10", "batch_size: 100": "batch_size: 5"}


@pytest.fixture(scope="session")
def furnished(tmp_path_factory):
    """Made once; tests work in copies."""
    folder = tmp_path_factory.mktemp("pages")
    for source in (ROOT / "examples").glob("*/*.prototxt"):
        target = folder / "examples" / source.parent.name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text("utf-8")
        for before, after in SMALLER.items():
            text = text.replace(before, after)
        target.write_text(text, "utf-8")
    rng = np.random.default_rng(1)
    (folder / "data" / "mnist").mkdir(parents=True)
    for part, count in (("train", 40), ("t10k", 10)):
        images, labels = rng.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count, dtype=np.uint8) % 10
        for name, magic, array in (("images-idx3", (2051, *images.shape), images), ("labels-idx1", (2049, count), labels)):
            path = folder / "data" / "mnist" / f"{part}-{name}-ubyte"
            path.write_bytes(struct.pack(f">{len(magic)}I", *magic) + array.tobytes())
    (folder / "models/bvlc_reference_caffenet").mkdir(parents=True)
    (folder / "models/bvlc_reference_caffenet/train_val.prototxt").write_text(CAFFENET)
    for i, name in enumerate(("apples", "pears", "plums")):
        (folder / "photos" / name).mkdir(parents=True)
        for k in range(5):
            pixels = rng.integers(0, 256, (3, 24 + k, 30 + i), np.uint8)
            (folder / "photos" / name / f"{k}.jpg").write_bytes(encoded(pixels, "JPEG"))
    (folder / "old.prototxt").write_text(
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9\n'
        'layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" inner_product_param { num_output: 4 } }\n')
    _weights(folder / "examples/mnist/lenet.prototxt", folder / "lenet.caffemodel", folder / "lenet_iter_10000.caffemodel")
    _weights(folder / "examples/siamese/mnist_siamese.prototxt",
             folder / "examples/siamese/mnist_siamese_iter_50000.caffemodel")
    _caffenet_weights(folder / "models/bvlc_reference_caffenet")
    return folder


@pytest.fixture
def sandbox(furnished, tmp_path, monkeypatch):
    """A copy of that folder, to work in."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mnist_databases(sandbox):
    """The databases that LeNet's prototxt names."""
    for part, count in (("train", 20), ("test", 10)):
        images = np.random.default_rng(count).integers(0, 256, (count, 1, 28, 28), np.uint8)
        make_database(sandbox / f"examples/mnist/mnist_{part}_lmdb", digit_records(images, np.arange(count) % 10))


def _weights(prototxt, *targets):
    """Weights as the fillers draw them."""
    net = Net(read_net(prototxt), rng=Rng(1))
    for target in targets:
        schema.write_binary(target, net.to_proto())


def _caffenet_weights(folder):
    param = schema.parse_text(CAFFENET, schema.NetParameter)
    del param.layer[:2]
    for layer in list(param.layer)[2:]:
        param.layer.remove(layer)
    param.layer.insert(0, schema.LayerParameter(name="data", type="Input", top=["data"]))
    param.layer[0].input_param.shape.add(dim=[1, 3, 227, 227])
    schema.write_binary(folder / "bvlc_reference_caffenet.caffemodel", Net(param, rng=Rng(1)).to_proto())
