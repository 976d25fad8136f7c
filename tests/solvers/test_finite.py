"""Numbers gone wrong: where the message says that it began, and what stays as it was."""

import logging
from pathlib import Path

import numpy as np
import pytest
from support.layers import input_layers

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.errors import DivergenceError
from caffe_lite.solvers import Action, Solver, Watcher
from caffe_lite.solvers.finite import all_finite

NET = input_layers(x=(4, 3), t=(4,)) + """
layer { name: "one" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "sig" type: "Sigmoid" bottom: "y" top: "y" }
layer { name: "two" type: "InnerProduct" bottom: "y" top: "z"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "z" bottom: "t" top: "loss" }
"""
SOLVER = ('base_lr: 0.125 lr_policy: "fixed" max_iter: 6 random_seed: 3 snapshot_prefix: "snap" snapshot: 2 '
          'net: "net.prototxt" ')
# a net that makes its own data, for the command line
OWN = """
layer { name: "data" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 } data_filler { type: "constant" value: VALUE } data_filler { } } }
""" + NET[NET.index('layer { name: "one"'):]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(NET)


def make(more="", base=SOLVER):
    param = schema.parse_text(base, schema.SolverParameter)
    param.MergeFrom(schema.parse_text(more, schema.SolverParameter))
    solver = Solver(param)
    for net in (solver.net, *solver.test_nets):
        net.blobs["x"].data[...] = np.random.default_rng(0).normal(size=(4, 3))
        net.blobs["t"].data[...] = [0, 1, 1, 0]
    return solver


def blobs(solver, name):
    return solver.net.layers[solver.net.layer_names.index(name)].blobs


def break_at(solver, iteration, blob, value=np.nan):
    """Put one number into a blob after so many updates."""
    class Spoiler(Watcher):
        def on_iteration(self, solver):
            if solver.iter == iteration:
                blob.data.reshape(-1)[-1] = value
    solver.watchers.append(Spoiler())


def states():
    return sorted(path.name for path in Path().glob("snap*.solverstate"))


def test_data(tmp_path):
    solver = make()
    break_at(solver, 3, solver.net.blobs["x"])
    before = blobs(solver, "two")[0].data.copy()
    with pytest.raises(DivergenceError) as caught:
        solver.solve()
    text = str(caught.value)
    assert text.startswith("Iteration 3: the loss is nan. The first that is not finite: top 'x' of layer 'in_x' (Input), "
                           "1 of 12 numbers. These are data that it gives")
    assert "one[0] nan (weights up to " in text
    assert "Learning rate: 0.125" in text
    assert "the last finite snapshot: snap_iter_2.solverstate." in text
    assert "--on_nan=continue" in text
    assert solver.iter == 3
    assert states() == ["snap_iter_2.solverstate"]
    assert np.isfinite(blobs(solver, "two")[0].data).all()
    assert not np.array_equal(blobs(solver, "two")[0].data, before)


def test_weights():
    solver = make()
    break_at(solver, 1, blobs(solver, "two")[0], np.inf)
    with pytest.raises(DivergenceError, match=r"Iteration 1: .* parameter 0 of layer 'two' \(InnerProduct\), 1 of 10 "
                                              r"numbers; the last update .*\n.*\n.*last finite snapshot: none"):
        solver.solve()


def test_results():
    """Finite weights and data, but products that float32 does not hold; the layer in place on them is named too."""
    solver = make()
    blobs(solver, "one")[0].data[...] = 1e30
    solver.net.blobs["x"].data[2] = [1e30, -1e30, 1]
    with pytest.raises(DivergenceError, match=r"top 'y' of layer 'one' \(InnerProduct\), or of 'sig', in place on it, "
                                              "5 of 20 numbers"):
        solver.step(1)


def test_a_loss_that_overflows():
    solver = make()
    solver.net.forward = lambda: float("inf")
    with pytest.raises(DivergenceError, match=r"Iteration 0: the loss is inf. Every blob is finite: their sum overflows"):
        solver.step(1)


def test_any_batch_of_iter_size():
    solver = make("iter_size: 3 average_loss: 4")
    losses = iter([0.5, 0.5, 0.5, 0.5, float("nan"), 0.5])
    solver.net.forward = lambda: next(losses)
    with pytest.raises(DivergenceError, match="Iteration 1: the loss is nan"):
        solver.solve()
    assert solver.smoothed_loss == 0.5


def test_gradients_are_this_batchs(monkeypatch):
    solver = make("iter_size: 2")
    real = solver.net.forward
    calls = []
    def forward():
        calls.append(real())
        return float("nan") if len(calls) == 2 else calls[-1]
    monkeypatch.setattr(solver.net, "forward", forward)
    with pytest.raises(DivergenceError) as caught:
        solver.step(1)
    peak = float(np.abs(blobs(solver, "two")[0].diff).max())
    assert f"two[0] {peak:g} (weights" in str(caught.value)
    solver.net.clear_param_diffs()
    real()
    solver.net.backward()
    assert float(np.abs(blobs(solver, "two")[0].diff).max()) == peak


def test_the_last_forward():
    solver = make("display: 2")
    break_at(solver, 6, solver.net.blobs["x"])
    with pytest.raises(DivergenceError, match=r"Iteration 6: the loss is nan.*\n.*\n.*last finite snapshot: snap_iter_6"):
        solver.solve()


@pytest.mark.parametrize("action", [Action.NONE, Action.SNAPSHOT, Action.STOP])
def test_no_snapshot_of_weights_that_are_not_finite(action):
    """Due, asked for, or when asked to stop."""
    solver = make("max_iter: 3 snapshot: 100")
    break_at(solver, 3 if action is Action.NONE else 2, blobs(solver, "one")[1], np.inf)
    solver.action = lambda: action if solver.iter == 2 else Action.NONE
    with pytest.raises(DivergenceError, match=r"Iteration [23]: weights are not finite.*parameter 1 of layer 'one'.*"
                                              r"\nLargest updates: "):
        solver.solve()
    assert states() == []


def test_what_is_not_finite_is_the_largest():
    solver = make()
    for layer, index, value in (("one", 0, 3), ("one", 1, -4), ("two", 0, np.nan), ("two", 1, np.inf)):
        blobs(solver, layer)[index].diff.reshape(-1)[0] = value
    blobs(solver, "two")[1].data[...] = [-7, np.inf]
    with pytest.raises(DivergenceError, match=r"Largest updates: two\[0\] nan \(.*\), two\[1\] inf \(weights up to inf\), "
                                              r"one\[1\] 4 \(weights up to 0\), one\[0\] 3 \("):
        solver.snapshot()


def test_no_snapshot_of_histories_that_are_not_finite():
    solver = make('type: "AdaGrad"')
    solver.step(1)
    solver.rule.history[2][...] = np.inf
    with pytest.raises(DivergenceError, match="histories of the AdaGrad solver are not finite. The weights still are"):
        solver.step(1)
    assert states() == []


def test_the_state_that_was_resumed_from_is_the_last_good_one():
    first = make()
    first.step(2)
    solver = make()
    solver.restore("snap_iter_2.solverstate")
    solver.net.blobs["x"].data[...] = np.nan
    with pytest.raises(DivergenceError, match="last finite snapshot: snap_iter_2.solverstate"):
        solver.step(1)


def test_going_on():
    solver = make()
    solver.stop_at_nan = False
    solver.net.blobs["x"].data[...] = np.nan
    solver.solve()
    assert solver.iter == 6
    assert states() == ["snap_iter_2.solverstate", "snap_iter_4.solverstate", "snap_iter_6.solverstate"]
    assert np.isnan(blobs(solver, "one")[0].data).all()


def test_outputs_of_a_test_net(caplog):
    solver = make("test_iter: 2 test_interval: 10")
    solver.test_nets[0].blobs["x"].data[...] = np.nan
    with caplog.at_level(logging.WARNING):
        solver.solve()
    assert [record.getMessage() for record in caplog.records] == [
        "Test net (#0): its output loss is not finite; training goes on"]


@pytest.mark.parametrize(("values", "finite"), [([1e38] * 9, True), ([0, np.nan], False), ([-np.inf, 1], False), ([], True)])
def test_all_finite(values, finite):
    assert all_finite([np.zeros((2, 3), np.float32), np.array(values, np.float32)]) is finite


@pytest.mark.parametrize("value", ["nan", "1"])
def test_the_command(capfd, value):
    Path("net.prototxt").write_text(OWN.replace("VALUE", value))
    Path("solver.prototxt").write_text(SOLVER)
    assert main(["train", "--solver=solver.prototxt"]) == (1 if value == "nan" else 0)
    log = capfd.readouterr().err
    assert ("] Iteration 0: the loss is nan" in log) == (value == "nan")
    assert "Traceback" not in log
    assert main(["train", "--solver=solver.prototxt", "--on_nan=continue"]) == 0
    assert main(["train", "--solver=solver.prototxt", "--on_nan=perhaps"]) == 1
    assert "--on_nan=perhaps: give stop or continue" in capfd.readouterr().err
