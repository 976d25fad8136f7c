"""A small net and its solver, for programs that know pycaffe only."""

from __future__ import annotations

from pathlib import Path

import caffe
import numpy as np

NET = """
name: "small" force_backward: true
layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 3 dim: 2 dim: 5 dim: 4 }
        shape { dim: 3 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
        inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" loss_weight: 2 }
"""

TRAINED = """
name: "trained"
layer { name: "noise" type: "DummyData" top: "data" top: "label" dummy_data_param {
        shape { dim: 4 dim: 3 } shape { dim: 4 } data_filler { type: "gaussian" } data_filler { value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

SOLVER = """
net: "trained.prototxt" base_lr: 0.5 lr_policy: "step" gamma: 0.1 stepsize: 3 max_iter: 7 display: 2 test_iter: 2
test_interval: 5 random_seed: 3 snapshot_prefix: "snap" snapshot_after_train: false
"""


def make_net(phase=caffe.TRAIN, text=NET, seed=5, **kwargs):
    """The net of a text, in a file of the working folder."""
    Path("net.prototxt").write_text(text)
    caffe.set_random_seed(seed)
    return caffe.Net("net.prototxt", phase, **kwargs)


def write_solver(more="", net=TRAINED):
    """Write ``solver.prototxt``; returns its name."""
    Path("trained.prototxt").write_text(net)
    Path("solver.prototxt").write_text(SOLVER + more)
    return "solver.prototxt"


def inputs(count=3, seed=1):
    """Arrays for ``NET``."""
    random = np.random.default_rng(seed)
    return {"data": random.normal(size=(count, 2, 5, 4)).astype(np.float32), "label": np.arange(count) % 7}
