"""What a net makes of its parameters once: done again whenever somebody can have written to one."""

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite import schema
from caffe_lite.kernels.vector import COMPILED
from caffe_lite.net.replay import Replay
from caffe_lite.parallel import Preparation

pytestmark = pytest.mark.skipif(not COMPILED, reason="what is made of filters is for vectors")
FILLED = "weight_filler { type: 'xavier' } bias_filler { type: 'gaussian' }"
ONE, THREE, FIVE = "kernel_size: 1", "kernel_size: 3 pad: 1", "kernel_size: 5"


def deployed(kernel, seed=5, phase=schema.TEST, followers=True):
    """Two convolutions, of which the second one does the work of a BatchNorm, a Scale and a ReLU too."""
    return make_net(f"""{input_layers(x=(16, 17, 16, 12) if kernel == FIVE else (2, 17, 9, 8))}
        layer {{ name: "first" type: "Convolution" bottom: "x" top: "y"
                 convolution_param {{ num_output: 33 {kernel} {FILLED} }} }}
        layer {{ name: "second" type: "Convolution" bottom: "y" top: "z"
                 convolution_param {{ num_output: 18 {kernel} {FILLED} }} }}
        """ + ("""
        layer { name: "norm" type: "BatchNorm" bottom: "z" top: "z" batch_norm_param { use_global_stats: true } }
        layer { name: "scale" type: "Scale" bottom: "z" top: "z"
                scale_param { bias_term: true filler { type: "gaussian" } bias_filler { type: "gaussian" } } }
        layer { name: "relu" type: "ReLU" bottom: "z" top: "z" }""" if followers else ""), seed=seed, phase=phase)


def result(net):
    net.forward()
    return net.blobs["z"].data.copy()


def prepared(net):
    """The net after passes enough, and where what it has made of its parameters is."""
    net.blobs["x"].data[...] = np.random.default_rng(2).standard_normal(net.blobs["x"].shape)
    for blob, value in zip(net.layers[net.layer_names.index("norm")].blobs, (0.5, 2, 1), strict=True):
        blob.data.fill(value)
    for _ in range(5):
        net.forward()
    replay, = net._forward_replays.values()  # fmt: skip
    calls, = replay._known.values()  # fmt: skip
    return calls


def expected(net, monkeypatch):
    """The same by Python, of a net that has made nothing before."""
    other = deployed({1: ONE, 3: THREE, 5: FIVE}[net.layers[1].blobs[0].shape[-1]], seed=1)
    other.copy_trained_from(net.to_proto())
    other.blobs["x"].data[...] = net.blobs["x"].data
    with monkeypatch.context() as changed:
        changed.setattr(Replay, "__call__", lambda self, run, *also: run(self.first, self.last))
        return result(other)


@pytest.mark.parametrize("kernel", [ONE, THREE, FIVE])
def test_it_is_left_out_while_nothing_changes(kernel, monkeypatch):
    net = deployed(kernel)
    calls = prepared(net)
    right = expected(net, monkeypatch)
    np.testing.assert_array_equal(result(net), right)
    made = [step for step in calls.steps if isinstance(step, Preparation)]
    assert len(made) == 3  # the filters of both, and what the second one's sums are multiplied with
    made[0][0][1][-1].fill(0)  # nobody else may do so
    assert not np.array_equal(result(net), right)
    net.layers[1].blobs[0].data  # noqa: B018  who has looked can have written
    np.testing.assert_array_equal(result(net), right)


def each_parameter():
    net = deployed(ONE)
    return [(name, i) for name, layer in zip(net.layer_names, net.layers, strict=True) for i in range(len(layer.blobs))]


@pytest.mark.parametrize("kernel", [ONE, THREE, FIVE])
@pytest.mark.parametrize(("layer", "index"), each_parameter())
def test_a_parameter_that_is_written_to(kernel, layer, index, monkeypatch):
    net = deployed(kernel)
    prepared(net)
    before = result(net)
    blob = net.layers[net.layer_names.index(layer)].blobs[index]
    blob.data[...] *= 1.5
    after = result(net)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, expected(net, monkeypatch))
    np.testing.assert_array_equal(result(net), after)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("view", [lambda a: a, lambda a: a[3:7], lambda a: a.reshape(-1)[::2], memoryview,
                                  lambda a: a.T, np.ravel])  # fmt: skip
def test_somebody_who_keeps_an_array(early, view, monkeypatch):
    net = deployed(THREE)
    if early:
        kept = view(net.layers[1].blobs[0].data)
    prepared(net)
    if not early:
        kept = view(net.layers[1].blobs[0].data)
    for factor in (1.5, 0.5, -1):
        writable = np.asarray(kept)
        writable *= np.float32(factor)
        np.testing.assert_array_equal(result(net), expected(net, monkeypatch))
    writable *= np.float32(2)
    del kept, writable
    for _ in range(2):
        np.testing.assert_array_equal(result(net), expected(net, monkeypatch))


def test_weights_that_are_read_shared_and_trained(monkeypatch):
    net, other = deployed(THREE), deployed(THREE, seed=7)
    prepared(net)
    prepared(other)
    net.copy_trained_from(other.to_proto())
    np.testing.assert_array_equal(result(net), result(other))
    net, third = deployed(THREE), deployed(THREE, seed=8)
    prepared(net)
    prepared(third)
    net.share_trained_layers_with(third)
    for _ in range(4):
        np.testing.assert_array_equal(result(net), result(third))
        third.layers[1].blobs[0].data[...] *= 1.5
        np.testing.assert_array_equal(result(net), expected(third, monkeypatch))


@pytest.mark.parametrize("python", [False, True])
def test_weights_that_are_shared_for_a_while(python, monkeypatch):
    net, other, keeper = deployed(THREE), deployed(THREE, seed=7), deployed(THREE)
    prepared(net)
    prepared(other)
    right = result(net)
    keeper.share_trained_layers_with(net)
    result(net)
    result(net)
    net.share_trained_layers_with(other)
    for _ in range(1 if python else 5):
        np.testing.assert_array_equal(result(net), result(other))
    net.share_trained_layers_with(keeper)
    for _ in range(3):
        np.testing.assert_array_equal(result(net), right)


def look_on(net):
    net.after_forward.append(lambda i: None)
    net.forward()
    net.after_forward.clear()


@pytest.mark.parametrize("between", [look_on, lambda net: net.forward_from_to(0, 2), lambda net: net.forward_layer(2)])
@pytest.mark.parametrize("kernel", [ONE, THREE, FIVE])
def test_layers_that_ran_one_by_one_meanwhile(kernel, between):
    net = deployed(kernel)
    prepared(net)
    right = result(net)
    between(net)  # the second convolution, without what it does of the layers after it
    for _ in range(2):
        np.testing.assert_array_equal(result(net), right)


def test_a_net_that_trains_keeps_nothing():
    net = deployed(THREE, phase=schema.TRAIN, followers=False)
    for _ in range(4):
        net.forward()
    replay, = net._forward_replays.values()  # fmt: skip
    calls, = replay._known.values()  # fmt: skip
    assert not calls._made
    assert sum(isinstance(step, Preparation) for step in calls.steps) == 2


@pytest.mark.parametrize("between", ["", "another"])
def test_filters_that_layers_share_are_prepared_once_a_pass(between):
    def convolution(name, bottom, top, filters):
        return f"""layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top}" param {{ name: "{filters}" }}
            convolution_param {{ num_output: 33 {FIVE} bias_term: false weight_filler {{ type: "xavier" }} }} }}"""

    def results(replayed):
        net = make_net("force_backward: true " + input_layers(a=(16, 17, 12, 12), b=(16, 17, 12, 12))
                       + convolution("first", "a", "y", "w")
                       + (convolution("other", "b", "x", "v") if between else "") + convolution("second", "b", "z", "w"),
                       seed=4)
        rng = np.random.default_rng(3)
        if not replayed:
            net.before_forward.append(str)
            net.before_backward.append(str)
        for _ in range(4):  # a new weight each time, as in a training
            for name in "ab":
                net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
            net.layers[net.layer_names.index("first")].blobs[0].data[...] *= -1.5
            net.forward()
            for name in net.outputs:
                net.blobs[name].diff[...] = rng.standard_normal(net.blobs[name].shape)
            net.clear_param_diffs()
            net.backward()
        found = [blob.data.copy() for blob in net.blobs.values()] + [blob.diff.copy() for blob in net.blobs.values()]
        return net, [*found, *(param.blob.diff.copy() for param in net.params.learnable)]

    net, found = results(replayed=True)
    for replay in (*net._forward_replays.values(), *net._backward_replays.values()):
        calls, = replay._known.values()  # fmt: skip
        assert sum(isinstance(step, Preparation) for step in calls.steps) == (3 if between else 1)
    for mine, right in zip(found, results(replayed=False)[1], strict=True):
        np.testing.assert_array_equal(mine, right)
