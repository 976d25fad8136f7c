"""The siamese net as one wrote it in 2014, and as one wrote it in 2017, is one net."""

from caffe_lite.schema import NetParameter, parse_text
from caffe_lite.upgrade import upgrade_net

FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "constant" }'
CONV1 = f"convolution_param {{ num_output: 20 kernel_size: 5 {FILLERS} }}"
POOL1 = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"
IP1 = f"inner_product_param {{ num_output: 500 {FILLERS} }}"
FEAT = f"inner_product_param {{ num_output: 2 {FILLERS} }}"


def branch(tail, layer):
    """One half of the net; ``layer`` writes a layer with shared parameters."""
    layers = [
        layer("conv1", "CONVOLUTION", "data", CONV1, tail),
        layer("pool1", "POOLING", "conv1", POOL1, tail),
        layer("ip1", "INNER_PRODUCT", "pool1", IP1, tail),
        layer("relu1", "RELU", "ip1", "", tail),
        layer("feat", "INNER_PRODUCT", "relu1", FEAT, tail),
    ]
    return "\n".join(layers)


def layer_2014(name, kind, bottom, parameters, tail):
    shared = f'blobs_lr: 1 blobs_lr: 2 param: "{name}_w" param: "{name}_b"' if "filler" in parameters else ""
    return (
        f'layers {{ name: "{name}{tail}" type: {kind} bottom: "{bottom}{tail}" top: "{name}{tail}" '
        f"{parameters} {shared} }}"
    )


NAMES = {"CONVOLUTION": "Convolution", "POOLING": "Pooling", "INNER_PRODUCT": "InnerProduct", "RELU": "ReLU"}


def layer_2017(name, kind, bottom, parameters, tail):
    specs = [f'param {{ name: "{name}_{blob}" lr_mult: {rate} }}' for blob, rate in (("w", 1), ("b", 2))]
    shared = " ".join(specs) if "filler" in parameters else ""
    return (
        f'layer {{ name: "{name}{tail}" type: "{NAMES[kind]}" bottom: "{bottom}{tail}" top: "{name}{tail}" '
        f"{shared} {parameters} }}"
    )


IN_2014 = f"""
name: "mnist_siamese_train_test"
layers {{
  name: "pair_data" type: DATA top: "pair_data" top: "sim"
  data_param {{ source: "mnist-siamese-train-leveldb" scale: 0.00390625 batch_size: 64 }}
  include: {{ phase: TRAIN }}
}}
layers {{
  name: "slice_pair" type: SLICE bottom: "pair_data" top: "data" top: "data_p"
  slice_param {{ slice_dim: 1 slice_point: 1 }}
}}
{branch("", layer_2014)}
{branch("_p", layer_2014)}
layers {{
  name: "loss" type: CONTRASTIVE_LOSS contrastive_loss_param {{ margin: 1.0 }}
  bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss"
}}
"""
IN_2017 = f"""
name: "mnist_siamese_train_test"
layer {{
  name: "pair_data" type: "Data" top: "pair_data" top: "sim"
  include {{ phase: TRAIN }}
  transform_param {{ scale: 0.00390625 }}
  data_param {{ source: "mnist-siamese-train-leveldb" batch_size: 64 }}
}}
layer {{
  name: "slice_pair" type: "Slice" bottom: "pair_data" top: "data" top: "data_p"
  slice_param {{ slice_dim: 1 slice_point: 1 }}
}}
{branch("", layer_2017)}
{branch("_p", layer_2017)}
layer {{
  name: "loss" type: "ContrastiveLoss" bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss"
  contrastive_loss_param {{ margin: 1 }}
}}
"""


def test_both_forms_are_one_net():
    new = parse_text(IN_2017, NetParameter)
    assert upgrade_net(parse_text(IN_2014, NetParameter)) == new
    assert upgrade_net(new) is new
    assert len(new.layer) == 13
