"""The arithmetic of nets, counted by hand."""

from __future__ import annotations

import pytest

from caffe_lite import schema
from caffe_lite.net import Net
from tools.bench.nets import NETS
from tools.bench.operations import layer_operations, operations

INPUT = """layer { name: "in" type: "Input" top: "x" top: "label"
    input_param { shape { dim: 3 dim: 4 dim: 9 dim: 7 } shape { dim: 3 } } }"""
LOSS = """layer { name: "last" type: "InnerProduct" bottom: "%s" top: "scores" inner_product_param { num_output: 11 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss" }"""


def net_of(text: str, last: str = "y") -> Net:
    param = schema.parse_text(INPUT + text + LOSS % last, schema.NetParameter)
    param.state.phase = schema.TRAIN
    return Net(param)


@pytest.mark.parametrize(
    ("text", "forward"),
    [
        # 3 images of 4 x 3 places (stride 2 over 9 x 7, without padding), 6 outputs of 3 x 3 x 4 / 2 weights
        ('type: "Convolution" convolution_param { num_output: 6 group: 2 kernel_size: 3 stride: 2 }', 2 * 3 * 12 * 6 * 18),
        # padding counts: 9 x 7 places
        ('type: "Convolution" convolution_param { num_output: 6 kernel_size: 3 pad: 1 }', 2 * 3 * 63 * 6 * 36),
        # each of the 9 x 7 input pixels is spread over 2 x 2 for 5 outputs
        ('type: "Deconvolution" convolution_param { num_output: 5 kernel_size: 2 stride: 2 }', 2 * 3 * 63 * 4 * 5 * 4),
        # rows of 7 where axis is 3
        ('type: "InnerProduct" inner_product_param { num_output: 5 axis: 3 }', 2 * 3 * 4 * 9 * 7 * 5),
        ('type: "Pooling" pooling_param { kernel_size: 2 }', 0),
    ],
)
def test_a_layer(text: str, forward: int) -> None:
    net = net_of(f'layer {{ name: "one" bottom: "x" top: "y" {text} }}')
    assert layer_operations(net, 1, backward=False) == forward
    assert layer_operations(net, 1, backward=True) == 2 * forward  # nobody needs the gradient of the images


CONV = """layer { name: "%s" type: "Convolution" bottom: "%s" top: "%s" %s
    convolution_param { num_output: 4 kernel_size: 1 bias_term: false } }"""
ONE = 2 * 3 * 63 * 4 * 4


@pytest.mark.parametrize(
    ("first", "second", "passes"),
    [
        ("", "", (2, 3)),
        ("param { lr_mult: 0 }", "", (1, 2)),  # nothing below learns: no gradient of the bottom either
        ("", "param { lr_mult: 0 }", (2, 2)),
        ("", "propagate_down: false", (1, 2)),  # cut off from the loss
    ],
)
def test_only_gradients_that_are_needed(first: str, second: str, passes: tuple[int, int]) -> None:
    net = net_of(CONV % ("a", "x", "mid", first) + CONV % ("b", "mid", "y", second))
    assert tuple(layer_operations(net, i, backward=True) // ONE for i in (1, 2)) == passes


def test_several_bottoms_share_the_weights() -> None:
    text = """layer { name: "both" type: "Convolution" bottom: "x" bottom: "mid" top: "y" top: "z"
        convolution_param { num_output: 4 kernel_size: 1 } }
        layer { name: "sum" type: "Eltwise" bottom: "y" bottom: "z" top: "s" }"""
    net = net_of('layer { name: "split" type: "Split" bottom: "x" top: "x2" top: "x3" }'
                 + CONV % ("a", "x2", "mid", "") + text.replace('bottom: "x"', 'bottom: "x3"'), "s")
    index = net.layer_names.index("both")
    assert layer_operations(net, index, backward=False) == 2 * ONE
    assert layer_operations(net, index, backward=True) == 5 * ONE  # forward, weights; for one also the bottom


@pytest.mark.parametrize(
    ("name", "batch", "forward", "training"),
    [
        # two digits a pair: the products of a digit are 288,000, 1,600,000, 400,000, 5,000 and 20 multiplications
        ("siamese", 64, 64 * 2 * 2_293_020, 64 * 2 * 2 * (2 * 288_000 + 3 * (1_600_000 + 400_000 + 5_000 + 20))),
        ("lenet", 5, 5 * 2 * 2_293_000, 5 * 2 * (2 * 288_000 + 3 * 2_005_000)),
        ("cifar10_full", 3, 3 * 2 * 12_298_240, 3 * 2 * (2 * 2_457_600 + 3 * 9_840_640)),
    ],
)
def test_the_tutorials(name: str, batch: int, forward: int, training: int) -> None:
    found = []
    for train in (False, True):
        param = NETS[name].make(batch, train)
        param.state.phase = schema.TRAIN if train else schema.TEST
        found.append(operations(Net(param), train))
    assert found == [forward, training]
