"""Nets of one's own that learn: with layers in Python, from pairs of image files, and from another net's weights."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.images import write_images
from support.runs import write_databases
from support.training import example_net, log_of_training, mean_of, the_run, train

from caffe_lite import schema
from caffe_lite.net import Net

SOLVER = """
net: "net.prototxt" lr_policy: "fixed" snapshot_prefix: "snap"
"""
PYTHON_LAYERS = '''
import caffe
import numpy as np

class Rings(caffe.Layer):
    """Points inside and outside of a circle; what param_str says many at a time."""
    def setup(self, bottom, top):
        self.rng = np.random.default_rng(self.phase)

    def reshape(self, bottom, top):
        top[0].reshape(int(self.param_str), 2)
        top[1].reshape(int(self.param_str))

    def forward(self, bottom, top):
        points = self.rng.normal(size=top[0].data.shape)
        top[0].data[...] = points
        top[1].data[...] = (points ** 2).sum(axis=1) > 1.4

    def backward(self, top, propagate_down, bottom):
        pass

class Logistic(caffe.Layer):
    """The cross entropy of scores and truths, and in TEST how many of them are right."""
    def setup(self, bottom, top):
        self.errors = None

    def reshape(self, bottom, top):
        for blob in top:
            blob.reshape(1)

    def forward(self, bottom, top):
        scores, truths = bottom[0].data[:, 0], bottom[1].data
        self.errors = 1 / (1 + np.exp(-scores)) - truths
        top[0].data[...] = np.mean(np.log1p(np.exp(-np.abs(scores))) + np.maximum(scores, 0) - scores * truths)
        if self.phase == caffe.TEST:
            top[1].data[...] = np.mean((scores > 0) == truths)

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[:, 0] = top[0].diff[0] * self.errors / len(self.errors)
'''


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_layers(folder, monkeypatch, capfd):
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    Path("rings.py").write_text(PYTHON_LAYERS)
    Path("net.prototxt").write_text("""
        layer { name: "data" type: "Python" top: "points" top: "outside" include { phase: TRAIN }
                python_param { module: "rings" layer: "Rings" param_str: "50" } }
        layer { name: "data" type: "Python" top: "points" top: "outside" include { phase: TEST }
                python_param { module: "rings" layer: "Rings" param_str: "400" } }
        layer { name: "ip1" type: "InnerProduct" bottom: "points" top: "ip1"
                inner_product_param { num_output: 15 weight_filler { type: "xavier" } } }
        layer { name: "tanh" type: "TanH" bottom: "ip1" top: "ip1" }
        layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
                inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
        layer { name: "loss" type: "Python" bottom: "ip2" bottom: "outside" top: "loss" loss_weight: 1
                propagate_down: true propagate_down: false include { phase: TRAIN }
                python_param { module: "rings" layer: "Logistic" } }
        layer { name: "loss" type: "Python" bottom: "ip2" bottom: "outside" top: "loss" top: "right"
                include { phase: TEST } python_param { module: "rings" layer: "Logistic" } }""")
    try:
        run = train(capfd, SOLVER + """type: "Adam" base_lr: 0.03 momentum: 0.9 random_seed: 3 max_iter: 200 display: 20
                                       test_iter: 2 test_interval: 200 snapshot_after_train: false""")
    finally:
        sys.modules.pop("rings", None)
    assert mean_of(run.loss.values) < 0.5 * run.loss.values[0]
    before, after = run.test[0]["right"].values
    assert before < 0.7
    assert after > 0.85


def test_siamese_net_on_image_files(folder, capfd):
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, 40)
    waves = 128 + 100 * np.sin(np.arange(12) / 2 + rng.uniform(0, 6, (40, 1)))
    images = np.where(kinds[:, None, None], waves[:, None, :], waves[:, :, None]) + rng.normal(0, 9, (40, 12, 12))
    write_images(folder, images.clip(0, 255).astype(np.uint8)[:, None])
    pairs = rng.integers(0, 40, (60, 2))
    for side, index in (("left", 0), ("right", 1)):
        lines = (f"{pair[index]}.png {int(kinds[pair[0]] == kinds[pair[1]])}\n" for pair in pairs)
        Path(f"{side}.txt").write_text("".join(lines))
    text = ""
    for side, label in (("left", "same"), ("right", "unused")):
        text += f"""
            layer {{ name: "{side}" type: "ImageData" top: "{side}" top: "{label}"
                    transform_param {{ scale: 0.0078125 mean_value: 128 }}
                    image_data_param {{ source: "{side}.txt" batch_size: 20 is_color: false }} }}
            layer {{ name: "conv_{side}" type: "Convolution" bottom: "{side}" top: "conv_{side}"
                    param {{ name: "conv_w" }} param {{ name: "conv_b" }}
                    convolution_param {{ num_output: 6 kernel_size: 5 weight_filler {{ type: "xavier" }} }} }}
            layer {{ name: "pool_{side}" type: "Pooling" bottom: "conv_{side}" top: "pool_{side}"
                    pooling_param {{ kernel_size: 4 stride: 4 }} }}
            layer {{ name: "feat_{side}" type: "InnerProduct" bottom: "pool_{side}" top: "feat_{side}"
                    param {{ name: "feat_w" }} param {{ name: "feat_b" }}
                    inner_product_param {{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}"""
    Path("net.prototxt").write_text(text + """
        layer { name: "silence" type: "Silence" bottom: "unused" }
        layer { name: "loss" type: "ContrastiveLoss" bottom: "feat_left" bottom: "feat_right" bottom: "same" top: "loss"
                contrastive_loss_param { margin: 1 } }""")
    run = train(capfd, SOLVER + """base_lr: 0.05 momentum: 0.9 random_seed: 3 max_iter: 100 display: 10 average_loss: 5
                                   snapshot_after_train: false""")
    assert mean_of(run.loss.values, 2) < 0.2 * run.loss.values[0]


def test_finetuning_by_layer_name(folder, capfd):
    """LeNet with a new last layer: what is below is taken over, and conv1 kept as it is."""
    write_databases(folder, "mnist")
    net = example_net("mnist/lenet_train_test", 32, train="data/mnist_train", test="data/mnist_test")
    schema.write_text("net.prototxt", net)
    solver = SOLVER + "base_lr: 0.01 momentum: 0.9 display: 2 test_iter: 8 "
    train(capfd, solver + "max_iter: 40 test_interval: 40 random_seed: 1")
    trained = Net.from_file("net.prototxt", weights="snap_iter_40.caffemodel")
    for layer in net.layer:
        for names in (layer.bottom, layer.top):
            names[:] = ["ip2_fine" if name == "ip2" else name for name in names]
        if layer.name == "ip2":
            layer.name = "ip2_fine"
        if layer.name == "conv1":
            for param in layer.param:
                param.lr_mult = 0
    schema.write_text("net.prototxt", net)
    log = log_of_training(capfd, solver + "max_iter: 8 test_interval: 8 random_seed: 2",
                          "--weights=snap_iter_40.caffemodel")
    assert log.count("Ignoring source layer ip2\n") == 2  # by the training net and by the test net
    before, after = the_run(log).test[0]["accuracy"].values
    assert before < 0.3  # the new layer knows nothing
    assert after > 0.55  # a fresh net is at 0.4 by then
    tuned = Net.from_file("net.prototxt", weights="snap_iter_8.caffemodel")
    for layer, other in zip(trained.layers, tuned.layers, strict=True):
        for blob, blob2 in zip(layer.blobs, other.blobs, strict=True):
            assert np.array_equal(blob.data, blob2.data) == (layer.name == "conv1"), layer.name
    trained.close()
    tuned.close()
