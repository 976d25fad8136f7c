"""After the first iterations, an iteration allocates no arrays."""

import tracemalloc

import numpy as np
import pytest

from caffe_lite import schema
from caffe_lite.solvers import Solver

NET = """
    layer { name: "in" type: "Input" top: "data" top: "label"
            input_param { shape { dim: 48 dim: 3 dim: 19 dim: 18 } shape { dim: 48 } } }
    layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
            convolution_param { num_output: 17 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
    layer { name: "bn" type: "BatchNorm" bottom: "conv1" top: "bn" }
    layer { name: "scale" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
    layer { name: "relu" type: "ReLU" bottom: "bn" top: "bn" }
    layer { name: "norm" type: "LRN" bottom: "bn" top: "norm" }
    layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool" pooling_param { kernel_size: 3 stride: 2 } }
    layer { name: "conv2" type: "Convolution" bottom: "pool" top: "conv2"
            convolution_param { num_output: 16 kernel_size: 3 stride: 2 weight_filler { type: "xavier" } } }
    layer { name: "conv3" type: "Convolution" bottom: "pool" top: "conv3"
            convolution_param { num_output: 16 kernel_size: 3 stride: 2 weight_filler { type: "xavier" } } }
    layer { name: "both" type: "Concat" bottom: "conv2" bottom: "conv3" top: "both" }
    layer { name: "drop" type: "Dropout" bottom: "both" top: "both" }
    layer { name: "ip" type: "InnerProduct" bottom: "both" top: "ip"
            inner_product_param { num_output: 300 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SMALL = 16_000  # bytes; the smallest array that an iteration computes, the scores, has 57,600


@pytest.mark.parametrize("rule", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
def test_no_arrays(rule):
    param = schema.SolverParameter(base_lr=1e-4, lr_policy="fixed", type=rule, clip_gradients=10, weight_decay=1e-3,
                                   delta=1e-6, random_seed=1)
    if rule == "RMSProp":
        param.rms_decay = 0.9
    elif rule not in ("AdaGrad",):
        param.momentum, param.momentum2 = 0.9, 0.99
    param.net_param.CopyFrom(schema.parse_text(NET, schema.NetParameter))
    solver = Solver(param)
    solver.net.blobs["data"].data[...] = np.random.default_rng(0).standard_normal(solver.net.blobs["data"].shape)
    solver.step(3)
    tracemalloc.start()
    try:
        solver.step(1)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        solver.step(2)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        solver.close()
    assert peak - before < SMALL
    assert after - before < SMALL
