"""LSTM, RNN and LSTMUnit: gradients, the state between batches, and complaints."""

import re

import numpy as np
import pytest
from support import text
from support.layers import check_gradient, input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import CaffeError, GraphError, ParameterError, ShapeError
from caffe_lite.parallel import set_threads, threads
from caffe_lite.rng import Rng
from caffe_lite.solvers import Solver

RNG = np.random.default_rng(14)
STATES = {"LSTM": 2, "RNN": 1}


def layer(kind, bottoms=("x", "cont"), tops=("y",), more="num_output: 2"):
    return text.layer(kind, bottoms, tops, f"recurrent_param {{ {more} }}")


def inputs(steps=4, streams=3, values=5, static=None, exposed=0, units=2):
    """Sequences begin in every stream's first step, and in some later ones."""
    cont = (np.arange(steps * streams).reshape(steps, streams) % 5 != 1).astype(float)
    cont[0] = exposed > 0
    found = {"x": RNG.normal(size=(steps, streams, values)), "cont": cont}
    if static:
        found["s"] = RNG.normal(size=(streams, static))
    for i in range(exposed):
        found[f"h{i}"] = RNG.normal(size=(1, streams, units))
    return found


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("static", [None, 6])
def test_gradient(kind, static):
    given = inputs(static=static)
    check_gradient(layer(kind, given), given, fixed=("cont",))


@pytest.mark.parametrize("kind", STATES)
def test_gradient_with_exposed_states(kind):
    """What comes in and goes out as a state has no gradient, as in Caffe."""
    exposed = STATES[kind]
    given, states = inputs(static=1, exposed=exposed), [f"h{i}" for i in range(exposed)]
    last = [f"{h}_T" for h in states]
    exposing = layer(kind, given, ["y", *last], "num_output: 2 expose_hidden: true")
    check_gradient(exposing + text.layer("Silence", last, [], name="s"), given, fixed=("cont", *states))


def test_given_states_have_no_gradient():
    given = inputs(exposed=2)
    net = make_net("force_backward: true " + input_layers(**{k: v.shape for k, v in given.items()})
                   + layer("LSTM", given, "ydc", "num_output: 2 expose_hidden: true"))
    feed(net, given)
    for name in ("h0", "h1", "y", "d", "c"):
        net.blobs[name].diff.fill(7)
    net.backward()
    assert not net.blobs["h0"].diff.any()
    assert not net.blobs["h1"].diff.any()


@pytest.mark.parametrize("kind", STATES)
def test_what_follows_may_work_in_place(kind):
    given = inputs()
    check_gradient(layer(kind) + text.layer("TanH", "y", "y", name="s"), given, fixed=("cont",))


def test_several_axes_of_values():
    given = inputs()
    given["x"] = RNG.normal(size=(4, 3, 2, 2))
    check_gradient(layer("LSTM"), given, fixed=("cont",))


def test_unit_gradient():
    given = {"c": RNG.normal(size=(1, 3, 2)), "x": RNG.normal(size=(1, 3, 8)), "cont": np.array([[1, 0, 1.0]])}
    check_gradient(text.layer("LSTMUnit", ["c", "x", "cont"], "dh"), given, fixed=("cont",))


def net_of(kind, given, more="num_output: 2", tops=("y",)):
    filler = 'weight_filler { type: "gaussian" std: 0.7 } bias_filler { type: "gaussian" std: 0.5 }'
    net = make_net(input_layers(**{k: v.shape for k, v in given.items()})
                   + layer(kind, given, tops, f"{more} {filler}"), seed=3)
    feed(net, given)
    return net


def feed(net, given):
    for name, values in given.items():
        net.blobs[name].data[...] = values
    net.forward()
    return net.blobs["y"].data.copy()


@pytest.mark.parametrize("kind", STATES)
def test_parameter_gradients_add_up(kind):
    given = inputs(static=2)
    net = make_net(input_layers(**{k: v.shape for k, v in given.items()}) + layer(
        kind, given, more='num_output: 2 weight_filler { type: "uniform" }')
        + text.layer("Reduction", "y", "z", "loss_weight: 1", name="r"))
    feed(net, given)
    net.backward()
    blobs = net.layers[len(given)].blobs
    once = [blob.diff.copy() for blob in blobs]
    net.backward()
    for blob, diff in zip(blobs, once, strict=True):
        assert diff.all()
        np.testing.assert_allclose(blob.diff, 2 * diff, rtol=1e-6)


@pytest.mark.parametrize("kind", STATES)
def test_a_batch_goes_on_where_the_last_one_ended(kind):
    whole = inputs(steps=6)
    whole["cont"][3] = [1, 0, 1]
    expected = feed(net_of(kind, whole), whole)
    first, second = ({k: v[i:i + 3] for k, v in whole.items()} for i in (0, 3))
    halves = net_of(kind, first)
    found = feed(halves, first)
    halves.blobs["y"].data.fill(99)  # as a layer in place would
    halves.reshape()
    np.testing.assert_allclose(np.concatenate([found, feed(halves, second)]), expected, atol=1e-6)


@pytest.mark.parametrize("kind", STATES)
def test_exposed_states_carry_a_sequence(kind):
    exposed = STATES[kind]
    tops = ["y", *[f"t{i}" for i in range(exposed)]]
    whole = inputs(steps=6, exposed=exposed)
    expected = feed(net_of(kind, whole, "num_output: 2 expose_hidden: true", tops), whole)
    first = {k: v if k.startswith("h") else v[:3] for k, v in whole.items()}
    net = net_of(kind, first, "num_output: 2 expose_hidden: true", tops)
    states = {f"h{i}": net.blobs[f"t{i}"].data.copy() for i in range(exposed)}
    found = net.blobs["y"].data.copy()
    if kind == "LSTM":
        np.testing.assert_array_equal(states["h0"][0], found[-1])
    second = {k: v[3:] for k, v in whole.items() if not k.startswith("h")}
    np.testing.assert_allclose(np.concatenate([found, feed(net, {**second, **states})]), expected, atol=1e-6)


@pytest.mark.parametrize("kind", STATES)
def test_streams_know_nothing_of_each_other(kind):
    given = inputs(steps=5, streams=40, values=3, static=2, units=9)
    expected = feed(net_of(kind, given, "num_output: 9"), given)
    one = {k: v[7:8] if k == "s" else v[:, 7:8] for k, v in given.items()}
    net = net_of(kind, one, "num_output: 9")
    np.testing.assert_allclose(feed(net, one), expected[:, 7:8], atol=1e-6)


def test_threads_share_the_streams():
    given, before = inputs(steps=3, streams=7, values=3), threads()
    try:
        found = []
        for count in (1, 3):
            set_threads(count)
            net = net_of("LSTM", given, "num_output: 160")
            found.append(feed(net, given))
    finally:
        set_threads(before)
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_fillers_draw_for_every_step():
    """Caffe fills weights for each step and keeps the first's, so what comes after is drawn later from the stream."""
    given = inputs(steps=3)
    filler = 'weight_filler { type: "uniform" }'
    after = text.layer("InnerProduct", "y", "z", f"inner_product_param {{ num_output: 3 {filler} }}", name="ip")
    net = make_net(input_layers(**{k: v.shape for k, v in given.items()}) + layer("LSTM", more=f"num_output: 2 {filler}")
                   + after, seed=5)
    drawn = np.concatenate([layer.blobs[i].data.reshape(-1) for layer in net.layers for i in (0, 2)
                            if i < len(layer.blobs)])
    expected = Rng(5).uniform(0, 1, 8 * 5 + 3 * 8 * 2 + 3 * 6)
    np.testing.assert_array_equal(drawn, np.delete(expected, np.s_[56:88]))


TRAINED = """
random_seed: 17 base_lr: 0.05 momentum: 0.9 weight_decay: 0.001 lr_policy: "fixed" max_iter: 15 display: 1
clip_gradients: 30 snapshot_after_train: false net_param {
layer { name: "d" type: "DummyData" top: "x" top: "t" top: "cont" dummy_data_param {
  shape { dim: 6 dim: 5 dim: 7 } shape { dim: 6 dim: 5 dim: 3 } shape { dim: 6 dim: 5 }
  data_filler { type: "gaussian" std: 1 } data_filler { type: "uniform" min: 0 max: 1 } data_filler { value: 1 } } }
layer { name: "l" type: "LSTM" bottom: "x" bottom: "cont" top: "y" recurrent_param { num_output: 12
  weight_filler { type: "gaussian" std: 0.3 } bias_filler { type: "uniform" min: -0.5 max: 0.5 } } }
layer { name: "r" type: "RNN" bottom: "y" bottom: "cont" top: "o" recurrent_param { num_output: 9
  weight_filler { type: "gaussian" std: 0.3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "o" top: "ip" inner_product_param { num_output: 3 axis: 2
  weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "ip" bottom: "t" top: "loss" }
layer { name: "e" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "e" } }
"""
PRINTED_BY_CAFFE = [13.3841, 12.5302, 12.9321, 13.8407, 11.6976, 11.7819, 12.4643, 11.5849, 11.6358, 11.5723, 11.5353,
                    11.8253, 11.3501, 12.3222, 11.2534, 11.8113]


def test_a_training_across_batches(caplog):
    """No sequence ever ends here: each batch goes on from the state that the last one left."""
    caplog.set_level("INFO", logger="caffe_lite.solvers")
    Solver(schema.parse_text(TRAINED, schema.SolverParameter)).solve()
    found = re.findall(r"Iteration \d+.*, loss = ([\d.]+)", caplog.text)
    np.testing.assert_allclose([float(loss) for loss in found], PRINTED_BY_CAFFE, rtol=1e-5)


@pytest.mark.parametrize(("shapes", "more", "tops", "error", "message"), [
    ([(4, 3, 5), (4, 3)], "", 1, ParameterError, "num_output must be positive"),
    ([(4, 3), (4, 3)], "num_output: 2", 1, ShapeError, r"'a' must be \(steps, streams, values...\), found shape \(4, 3\)"),
    ([(4, 3, 5), (3, 4)], "num_output: 2", 1, ShapeError, r"'b'.*4 steps of 3 streams.*found \(3, 4\)"),
    ([(4, 3, 5), (4, 3), (4, 5)], "num_output: 2", 1, ShapeError, r"static input 'c'.*3 streams.*\(4, 5\)"),
    ([(4, 3, 5), (4, 3)], "num_output: 2", 2, GraphError, "expose_hidden: false.*makes 1 top"),
    ([(4, 3, 5), (4, 3), (3, 1), (1, 3, 2)], "num_output: 2", 1, GraphError, "expose_hidden: false"),
    ([(4, 3, 5), (4, 3), (1, 3, 2)], "num_output: 2 expose_hidden: true", 2, GraphError, "h_0, c_0, and makes 3 top"),
    ([(4, 3, 5), (4, 3), (1, 3, 2), (3, 2)], "num_output: 2 expose_hidden: true", 3, ShapeError,
     r"state 'd' must have the shape \(1, 3, 2\), found \(3, 2\)"),
])
def test_what_cannot_be(shapes, more, tops, error, message):
    bottoms = "abcd"[:len(shapes)]
    with pytest.raises(error, match=rf"layer 'l' \(LSTM\): .*{message}"):
        make_net(input_layers(**dict(zip(bottoms, shapes, strict=True))) + layer("LSTM", bottoms, "xyz"[:tops], more))


def test_steps_stay_and_streams_change():
    given = inputs()
    net = net_of("LSTM", given)
    for name, shape in (("x", (4, 2, 5)), ("cont", (4, 2))):
        net.blobs[name].reshape(shape)
    net.forward()
    assert net.blobs["y"].shape == (4, 2, 2)
    for name, shape in (("x", (3, 2, 5)), ("cont", (3, 2))):
        net.blobs[name].reshape(shape)
    with pytest.raises(ShapeError, match=r"number of steps cannot change: it was 4.*\(3, 2, 5\)"):
        net.forward()


def test_unit_shapes():
    with pytest.raises(ShapeError, match=r"c, x, cont have \(1, 3, 2\), \(1, 3, 6\) and \(1, 3\)"):
        make_net(input_layers(c=(1, 3, 2), x=(1, 3, 6), cont=(1, 3)) + text.layer("LSTMUnit", ["c", "x", "cont"], "dh"))


@pytest.mark.parametrize("recurrent", [layer("RNN", "xz"), text.layer("LSTMUnit", "cxz", "dy")])
def test_no_gradient_for_what_goes_on(recurrent):
    net = make_net(input_layers(c=(1, 3, 2), x=(1, 3, 8), cont=(1, 3)) + text.layer("Scale", ["cont"], "z", name="p")
                   + recurrent + text.layer("Reduction", "y", "r", "loss_weight: 1", name="r"))
    net.forward()
    with pytest.raises(CaffeError, match="cannot backpropagate to the sequence indicators 'z'"):
        net.backward()
