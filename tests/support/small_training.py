"""A small net and its solver, for trainings that are stopped, killed or divided; the database is called ``db``."""

from pathlib import Path

from support.runs import BACKEND

NET = """
name: "small"
layer { name: "data" type: "Data" top: "x" top: "t" TRANSFORM
        data_param { source: "db" batch_size: BATCH backend: BACKEND } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "xavier" } } }
LAYERS
layer { name: "ip" type: "InnerProduct" bottom: "c" top: "h" param { name: "w" } param { name: "b" }
        inner_product_param { num_output: 30 weight_filler { type: "xavier" } } }
layer { name: "again" type: "InnerProduct" bottom: "h" top: "y" param { name: "w" } param { name: "b" }
        inner_product_param { num_output: 30 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
"""
RELU = 'layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }'
RANDOM = """layer { name: "norm" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "drop" type: "Dropout" bottom: "c" top: "c" }"""
SCALE, MIRROR = "transform_param { scale: 0.01 }", "transform_param { scale: 0.01 mirror: true }"
SOLVER = {"net": '"net.prototxt"', "base_lr": 0.05, "lr_policy": '"fixed"', "display": 10, "max_iter": 50,
          "random_seed": 7, "snapshot_prefix": '"snap"', "snapshot_after_train": "false"}


def write_net(batch, name="net.prototxt", layers=RELU, transform=SCALE):
    """The net with a batch of this size and some layers in its middle."""
    text = NET.replace("BATCH", str(batch)).replace("LAYERS", layers).replace("TRANSFORM", transform)
    Path(name).write_text(text.replace("BACKEND", BACKEND.upper()))


def write_solver(name="solver.prototxt", **fields):
    """The solver with some fields of its own."""
    Path(name).write_text("\n".join(f"{key}: {value}" for key, value in (SOLVER | fields).items()))
