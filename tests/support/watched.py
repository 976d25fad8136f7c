"""A small net over recorded digits, trained for a few iterations: for whatever watches trainings or looks at nets."""

from __future__ import annotations

from pathlib import Path

from support.runs import BACKEND, write_databases

from caffe_lite.cli import main

DATA = """layer {{ name: "digits" type: "Data" top: "data" top: "label" include {{ phase: {phase} }}
  transform_param {{ scale: 0.00390625 }}
  data_param {{ source: "data/mnist_{source}" backend: {backend} batch_size: {batch} }} }}
"""
BODY = """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 3 kernel_size: 7 stride: 3 weight_filler { type: "xavier" } } }
layer { name: "ip1" type: "InnerProduct" bottom: "conv1" top: "feat"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "ip2" type: "InnerProduct" bottom: "feat" top: "ip2"
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
"""
ENDS = """
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 9 dim: 1 dim: 28 dim: 28 } } }\n'
SOLVER = """net: "net.prototxt" base_lr: 0.05 lr_policy: "fixed" momentum: 0.9 random_seed: 3 display: 2 max_iter: 6
test_interval: 4 test_iter: 5 snapshot: 4 snapshot_prefix: "s"
"""


def write_net() -> None:
    """Put ``net.prototxt``, ``deploy.prototxt``, ``solver.prototxt`` and the data into the working folder."""
    write_databases(Path(), "mnist")
    data = "".join(DATA.format(phase=phase, source=phase.lower(), backend=BACKEND.upper(), batch=batch)
                   for phase, batch in (("TRAIN", 20), ("TEST", 100)))
    Path("net.prototxt").write_text('name: "tiny"\n' + data + BODY + ENDS)
    Path("deploy.prototxt").write_text('name: "tiny"\n' + INPUT + BODY)
    Path("solver.prototxt").write_text(SOLVER)


def train(*flags: str, code: int = 0) -> None:
    """Train it from the command line, which ends with this exit code."""
    assert main(["train", "--solver=solver.prototxt", *flags]) == code
