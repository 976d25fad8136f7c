"""Passes repeated as kernels alone: the same bits as with Python, and only while everything lies where it lay."""

from contextlib import contextmanager

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite.kernels.sequence import POSSIBLE
from caffe_lite.layers import registry
from caffe_lite.net import replay
from caffe_lite.net.replay import Replay

LAYERS = {
    "Convolution, channels": "convolution_param { num_output: 5 kernel_size: 3 stride: 2 weight_filler { type: 'xavier' } }",
    "Convolution, group": "convolution_param { num_output: 8 group: 2 kernel_size: 2 pad: 1 weight_filler { type: 'xavier' } }",
    "Convolution, strides": "convolution_param { num_output: 3 kernel_size: 2 stride: 3 weight_filler { type: 'xavier' } }",
    "Deconvolution": "convolution_param { num_output: 6 kernel_size: 3 stride: 2 weight_filler { type: 'xavier' } }",
    "InnerProduct": "inner_product_param { num_output: 7 weight_filler { type: 'xavier' } bias_filler { value: 0.5 } }",
    "InnerProduct, transposed": "inner_product_param { num_output: 7 transpose: true weight_filler { type: 'xavier' } }",
    "Pooling, max": "pooling_param { kernel_size: 3 stride: 2 }",
    "Pooling, average": "pooling_param { pool: AVE kernel_size: 2 pad: 1 stride: 2 }",
    "Pooling, drawn": "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
    "LRN": "lrn_param { local_size: 3 alpha: 0.5 }",
    "LRN, within": "lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }",
    "BatchNorm": "",
    "BatchNorm, stored": "batch_norm_param { use_global_stats: true }",
    "Scale": "scale_param { bias_term: true filler { type: 'gaussian' } }",
    "Bias": "bias_param { filler { type: 'gaussian' } }",
    "PReLU": "",
    "ReLU": "relu_param { negative_slope: 0.1 }",
    "Sigmoid": "", "TanH": "", "AbsVal": "", "BNLL": "", "ELU": "",
    "Power": "power_param { power: 2 shift: 3 }",
    "Power, constant": "power_param { power: 0 }",
    "Log": "log_param { shift: 30 }",
    "Clip": "clip_param { min: -0.3 max: 0.5 }",
    "Swish": "", "ReLU6": "",
    "DepthwiseConvolution": "convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: 'xavier' } }",
    "ConvolutionDepthwise": "convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: 'xavier' } }",
    "Exp": "", "Dropout": "", "Softmax": "", "Flatten": "", "Tile": "tile_param { axis: 1 tiles: 2 }",
}  # fmt: skip

IN_PLACE = ["LRN", "BatchNorm", "BatchNorm, stored", "Scale", "Bias", "PReLU", "ReLU", "Power", "ELU", "Dropout", "Softmax"]


def net_of(kind, size=(4, 6, 9, 8), in_place=False):
    """A layer between two convolutions, and what makes it trainable."""
    top = "y" if in_place else "z"
    return make_net(f"""{input_layers(x=size)}
        layer {{ name: "first" type: "Convolution" bottom: "x" top: "y"
                 convolution_param {{ num_output: 6 kernel_size: 3 pad: 1 weight_filler {{ type: "xavier" }} }} }}
        layer {{ name: "it" type: "{kind.split(',')[0]}" bottom: "y" top: "{top}" {LAYERS[kind]} }}
        layer {{ name: "last" type: "InnerProduct" bottom: "{top}" top: "w" inner_product_param {{ num_output: 3
                 weight_filler {{ type: "xavier" }} }} }}
        layer {{ name: "loss" type: "Reduction" bottom: "w" top: "loss" loss_weight: 1 reduction_param {{ operation: SUMSQ }} }}
        """, seed=5)  # fmt: skip


def passes(net, count=5):
    """Losses, gradients and outputs of some passes over other data each time."""
    rng, found = np.random.default_rng(3), []
    for _ in range(count):
        net.blobs["x"].data[...] = rng.standard_normal(net.blobs["x"].shape)
        net.clear_param_diffs()
        found.append(net.forward())
        net.backward()
        found += [param.blob.diff.copy() for param in net.params.learnable] + [b.data.copy() for b in net.blobs.values()]
        for param in net.params.learnable:
            param.blob.data[...] -= 0.01 * param.blob.diff
    return found


@contextmanager
def with_python(monkeypatch):
    with monkeypatch.context() as changed:
        changed.setattr(Replay, "__call__", lambda self, run, *also: run(self.first, self.last))
        yield


def known(net):
    return [len(r._known) for r in (*net._forward_replays.values(), *net._backward_replays.values())]


@pytest.mark.parametrize(("kind", "in_place"), [*((kind, False) for kind in LAYERS), *((kind, True) for kind in IN_PLACE)])
def test_the_same_bits(kind, in_place, monkeypatch):
    net = net_of(kind, in_place=in_place)
    with with_python(monkeypatch):
        expected = passes(net_of(kind, in_place=in_place))
    np.testing.assert_equal(passes(net), expected)
    assert all(count == 1 for count in known(net))


BRANCHES = f"""{input_layers(x=(4, 6, 9, 8))}
    layer {{ name: "first" type: "Convolution" bottom: "x" top: "y"
             convolution_param {{ num_output: 6 kernel_size: 3 weight_filler {{ type: "xavier" }} }} }}
    layer {{ name: "slice" type: "Slice" bottom: "y" top: "a" top: "b" slice_param {{ slice_point: 2 }} }}
    layer {{ name: "sum" type: "Eltwise" bottom: "b" bottom: "c" top: "d" eltwise_param {{ coeff: 2 coeff: -3 }} }}
    layer {{ name: "step" type: "Threshold" bottom: "a" top: "t" propagate_down: false }}
    layer {{ name: "concat" type: "Concat" bottom: "a" bottom: "d" bottom: "t" top: "e" }}
    layer {{ name: "loss" type: "Reduction" bottom: "e" top: "loss" loss_weight: 1
             reduction_param {{ operation: SUMSQ }} }}""".replace(
    'layer { name: "sum"', 'layer { name: "relu" type: "ReLU" bottom: "b" top: "c" }\n    layer { name: "sum"')


def test_branches(monkeypatch):
    net = make_net(BRANCHES, seed=5)
    with with_python(monkeypatch):
        expected = passes(make_net(BRANCHES, seed=5))
    np.testing.assert_equal(passes(net), expected)
    assert known(net) == [1, 1]


PAIRS = f"""{input_layers(x=(6, 4), s=(6,))}
    layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param {{ num_output: 3
             weight_filler {{ type: "xavier" }} }} }}
    layer {{ name: "b" type: "InnerProduct" bottom: "x" top: "b" inner_product_param {{ num_output: 3
             weight_filler {{ type: "xavier" }} }} }}
    layer {{ name: "one" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "one" loss_weight: 0.5 }}
    layer {{ name: "two" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "s" top: "two" loss_weight: 2
             contrastive_loss_param {{ margin: 3 legacy_version: true }} }}"""


@pytest.mark.parametrize("weight", [None, 3])
def test_losses(weight, monkeypatch):
    """Each counts with its weight, also where somebody changes that."""
    nets = [make_net(PAIRS, seed=5) for _ in range(2)]
    for net in nets:
        net.blobs["s"].data[...] = [0, 1, 0, 1, 1, 0]
    with with_python(monkeypatch):
        passes(nets[1])
    passes(nets[0])
    assert set(known(nets[0])) == {1}
    if weight:
        for net in nets:
            net.blobs["one"].diff[...] = weight
    with with_python(monkeypatch):
        expected = passes(nets[1])
    found = passes(nets[0])
    np.testing.assert_equal(found, expected)
    loss, one, two = nets[0].forward(), *(float(nets[0].blobs[name].data) for name in ("one", "two"))
    assert min(one, two) > 0
    assert loss == pytest.approx((weight or 0.5) * one + 2 * two)


def test_every_layer_that_can_be_replayed_is_tested():
    kinds = {kind.split(",")[0] for kind in LAYERS} | {"Slice", "Eltwise", "Threshold", "Concat", "Split",
                                                       "ContrastiveLoss"}
    assert {kind for kind in registry.known_types() if registry.layer_class(kind).replayable} <= kinds


@pytest.mark.skipif(not POSSIBLE, reason="compiled sequences are for x86-64")
def test_nothing_is_left_to_python():
    net = net_of("ReLU")
    passes(net)
    for found in (*net._forward_replays.values(), *net._backward_replays.values()):
        calls, = found._known.values()  # fmt: skip
        assert len(calls._all) == 1
        assert len(calls.steps) > 2


def change_shape(net):
    net.blobs["x"].reshape((2, 6, 9, 8))


def share(net):
    other = net_of("LRN")
    net.share_trained_layers_with(other)
    other.params.learnable[0].blob.data[...] = 0.25


def adopt(net):
    net.blobs["x"].adopt(np.full(net.blobs["x"].count, 0.5, np.float32))


@pytest.mark.parametrize("change", [change_shape, share, adopt])
def test_memory_that_moves(change, monkeypatch):
    found = []
    for python in (True, False):
        net = net_of("LRN")
        with monkeypatch.context() as changed:
            if python:
                changed.setattr(Replay, "__call__", lambda self, run, *also: run(self.first, self.last))
            passes(net)
            change(net)
            found.append(passes(net))
    np.testing.assert_equal(found[1], found[0])


def test_memory_that_takes_turns(monkeypatch):
    """As of the batches of a data layer: one recording for each; and none for memory that is new every time."""
    net, batches = net_of("ReLU"), [np.random.default_rng(i).standard_normal(4 * 6 * 9 * 8, np.float32) for i in range(3)]
    for _ in range(4):
        for batch in batches:
            net.blobs["x"].adopt(batch)
            net.forward()
    assert known(net)[0] == 3
    net = net_of("ReLU")
    for i in range(40):
        net.blobs["x"].adopt(batches[i % 3].copy())
        net.forward()
    assert known(net)[0] == 0


def test_more_turns_than_are_kept(monkeypatch):
    monkeypatch.setattr(replay, "MOST", 3)
    batches = [np.random.default_rng(i).standard_normal(4 * 6 * 9 * 8, np.float32) for i in range(5)]
    net, losses = net_of("ReLU"), []
    for _ in range(4):
        for batch in batches:
            net.blobs["x"].adopt(batch)
            losses.append(net.forward())
    assert known(net)[0] <= 3
    assert losses == losses[:5] * 4


def test_who_looks_on_sees_each_layer():
    net, seen = net_of("ReLU"), []
    passes(net)
    net.after_forward.append(lambda i: seen.append(net.blobs["y"].data.min()))
    net.forward()
    assert len(seen) == len(net.layers)
    net.after_forward.clear()
    net.after_param_diffs.append(seen.append)
    seen.clear()
    for _ in range(3):
        net.backward()
    assert seen == 3 * list(range(len(net.layers) - 1, -1, -1))


def test_a_part_of_a_row():
    net = net_of("ReLU")
    passes(net)
    net.forward()
    expected = {name: blob.data.copy() for name, blob in net.blobs.items()}
    net.blobs["y"].data.fill(0)
    net.blobs["z"].data.fill(0)
    net.forward_from_to(0, 1)
    np.testing.assert_equal(net.blobs["y"].data, expected["y"])
    assert not net.blobs["z"].data.any()
    net.forward_from_to(2, 3)
    np.testing.assert_equal(net.blobs["z"].data, expected["z"])
