"""The training loop: when it tests, displays, snapshots and stops, and what it refuses."""

import logging
from pathlib import Path

import numpy as np
import pytest
from support.layers import input_layers

from caffe_lite import schema
from caffe_lite.errors import ParameterError, SnapshotError
from caffe_lite.solvers import Action, Solver, known_types, read_solver
from caffe_lite.solvers.smoothing import LossWindow

NET = input_layers(x=(4, 3), t=(4,)) + """
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
"""
SOLVER = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 6 random_seed: 3 snapshot_prefix: "snap" net: "net.prototxt" '


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text('name: "tiny"\n' + NET)


def make(more="", base=SOLVER):
    param = schema.parse_text(base, schema.SolverParameter)
    param.MergeFrom(schema.parse_text(more, schema.SolverParameter))
    solver = Solver(param, named_by="solver.prototxt")
    rng = np.random.default_rng(0)
    for net in (solver.net, *solver.test_nets):
        net.blobs["x"].data[...] = rng.normal(size=(4, 3))
        net.blobs["t"].data[...] = [0, 1, 1, 0]
    return solver


def weights(solver):
    return solver.net.layers[2].blobs[0].data.copy()


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


def test_the_loss_falls():
    solver = make("max_iter: 60 base_lr: 1")
    first = solver.net.forward()
    solver.solve()
    assert solver.iter == 60
    assert solver.net.forward() < 0.7 * first


def test_the_first_update_is_the_rate_times_the_gradient():
    solver = make()
    before = weights(solver)
    solver.net.forward()
    solver.net.backward()
    gradient = solver.net.layers[2].blobs[0].diff.copy()
    solver.step(1)
    np.testing.assert_allclose(weights(solver), before - np.float32(0.1) * gradient, rtol=1e-5, atol=1e-8)


def test_momentum_carries_the_rate_of_its_time():
    # two equal gradients, rate 0.1 then 0.05: history = 0.9 * (0.1 g) + 0.05 g, and not 0.05 * (0.9 g + g)
    solver = make('momentum: 0.9 lr_policy: "step" stepsize: 1 gamma: 0.5')
    gradient = np.ones((2, 3), np.float32)
    for _ in range(2):
        solver.net.clear_param_diffs()
        solver.net.layers[2].blobs[0].diff[...] = gradient
        solver.apply_update()
    np.testing.assert_allclose(solver.rule.history[0], 0.9 * 0.1 + 0.05, rtol=1e-6)


def test_clipping_sees_the_sum_over_iter_size():
    solver = make("clip_gradients: 2 iter_size: 4")
    before = weights(solver)
    solver.net.clear_param_diffs()
    solver.net.layers[2].blobs[0].diff[...] = 10  # norm 10 sqrt(6), clipped to 2, then a fourth of it
    solver.apply_update()
    np.testing.assert_allclose(before - weights(solver), 0.1 * 2 / np.sqrt(6) / 4, rtol=1e-5)


@pytest.mark.parametrize(("kind", "expected"), [("L2", [0.3, -0.3]), ("L1", [0.1, -0.1])])
def test_regularization(kind, expected):
    solver = make(f'weight_decay: 0.1 regularization_type: "{kind}"')
    data = solver.net.layers[2].blobs[0].data
    data[...] = 0
    data[0, :2] = [3, -3]
    solver.net.clear_param_diffs()
    solver.apply_update()
    np.testing.assert_allclose(solver.net.layers[2].blobs[0].diff[0, :2], 0.1 * np.array(expected), rtol=1e-5)
    assert data[1, 1] == 0


def test_when_it_tests(caplog):
    solver = make("test_iter: 2 test_interval: 3")
    with caplog.at_level(logging.INFO):
        solver.solve()
    tests = [line for line in messages(caplog) if "Testing net" in line]
    assert tests == [f"Iteration {i}, Testing net (#0)" for i in (0, 3, 6)]
    outputs = [line for line in messages(caplog) if "Test net output" in line]
    assert len(outputs) == 3
    value = outputs[0].split(" = ")[1].split(" ")[0]
    assert outputs[0] == f"    Test net output #0: loss = {value} (* 1 = {value} loss)"


def test_no_test_at_the_start(caplog):
    with caplog.at_level(logging.INFO):
        make("test_iter: 1 test_interval: 3 test_initialization: false").solve()
    assert [line for line in messages(caplog) if "Testing" in line][0] == "Iteration 3, Testing net (#0)"  # noqa: RUF015


def test_display(caplog):
    solver = make("display: 2")
    with caplog.at_level(logging.INFO):
        solver.solve()
    lines = messages(caplog)
    shown = [line for line in lines if line.startswith("Iteration") and "iter/s" in line]
    assert [line.split()[1] for line in shown] == ["0", "2", "4"]
    assert "Iteration 2, lr = 0.1" in lines
    assert any(line.startswith("    Train net output #0: loss = ") for line in lines)
    assert lines[-2].startswith("Iteration 6, loss = ")
    assert lines[-1] == "Optimization Done."


def test_snapshots(tmp_path):
    make("snapshot: 4").solve()
    assert sorted(p.name for p in tmp_path.glob("snap*")) == [
        "snap_iter_4.caffemodel", "snap_iter_4.resume", "snap_iter_4.solverstate",
        "snap_iter_6.caffemodel", "snap_iter_6.resume", "snap_iter_6.solverstate"]


def test_no_snapshot_after_training(tmp_path):
    make("snapshot: 4 snapshot_after_train: false").solve()
    assert sorted(p.name for p in tmp_path.glob("snap*")) == [
        "snap_iter_4.caffemodel", "snap_iter_4.resume", "snap_iter_4.solverstate"]


@pytest.mark.parametrize("kind", known_types())
def test_resuming_goes_on_where_it_stopped(kind):
    more = f'type: "{kind}" ' + ("" if kind in ("AdaGrad", "RMSProp") else "momentum: 0.9 ")
    more += 'lr_policy: "multistep" gamma: 0.3 stepvalue: 2 stepvalue: 4 '
    straight = make(more)
    straight.solve()
    first = make(more)
    first.step(3)
    state = first.snapshot()
    resumed = make(more + "random_seed: 8")
    resumed.solve(state)
    np.testing.assert_array_equal(weights(resumed), weights(straight))
    assert resumed.current_step == straight.current_step == 2


def test_a_state_of_another_solver_changes_nothing():
    first = make('type: "Adam"')
    first.step(1)
    state = first.snapshot()
    solver = make("momentum: 0.9 random_seed: 5")
    before = weights(solver)
    with pytest.raises(SnapshotError, match="Incorrect length of history"):
        solver.restore(state)
    np.testing.assert_array_equal(weights(solver), before)
    assert solver.iter == 0


def test_weights_to_start_from():
    first = make()
    first.step(2)
    first.snapshot()
    assert np.array_equal(weights(make('weights: "snap_iter_2.caffemodel" random_seed: 9')), weights(first))


def test_stop_and_snapshot_when_asked(tmp_path, caplog):
    solver = make("test_iter: 1 test_interval: 4")
    actions = {1: Action.SNAPSHOT, 2: Action.STOP}
    solver.action = lambda: actions.pop(solver.iter, Action.NONE)
    with caplog.at_level(logging.INFO):
        solver.solve()
    assert solver.iter == 2
    assert (tmp_path / "snap_iter_1.solverstate").exists()
    assert (tmp_path / "snap_iter_2.solverstate").exists()
    assert messages(caplog)[-1] == "Optimization stopped early."


def test_a_test_can_be_interrupted(caplog):
    solver = make("test_iter: 3 test_interval: 1")
    solver.action = lambda: Action.NONE if solver.stopped else Action.STOP
    with caplog.at_level(logging.INFO):
        solver.solve()
    assert "Test interrupted." in messages(caplog)
    assert solver.iter == 0


def test_average_loss():
    window = LossWindow(3)
    assert [round(window.add(x), 6) for x in (3, 5, 7, 9, 2)] == [3, 4, 5, 7, 6]


def test_nets_from_every_field():
    net = f"{{ {NET} }}"
    base = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 1 '
    for field in (f"net_param {net}", f"train_net_param {net}", 'train_net: "net.prototxt"'):
        assert make(field, base).net.outputs == ["loss"]
    solver = make(f'train_net: "net.prototxt" test_net_param {net} test_net: "net.prototxt" test_iter: [1, 1] '
                  "test_interval: 1", base)
    assert len(solver.test_nets) == 2
    solver = make("test_iter: [1, 2, 3] test_interval: 1")
    assert len(solver.test_nets) == 3


def test_states_are_merged():
    Path("net.prototxt").write_text(
        'state { stage: "of-the-net" }' + NET.replace('bottom: "t" top: "loss"', 'bottom: "t" top: "loss" '
                                                      'include { stage: "of-the-net" stage: "of-the-solver" }'))
    assert make('train_state { stage: "of-the-solver" }').net.outputs == ["loss"]
    assert make().net.outputs == ["t", "y"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('train_net: "net.prototxt"', "exactly one train net, found 2"),
        ("average_loss: 0", "average_loss is 0"),
        ("iter_size: 0", "iter_size is 0"),
        ('type: "SDG"', "Unknown solver type: 'SDG'; did you mean 'SGD'"),
        ('type: "AdaGrad" momentum: 0.9', "Momentum cannot be used with AdaGrad"),
        ('type: "RMSProp" momentum: 0.9', "Momentum cannot be used with RMSProp"),
        ('type: "RMSProp" rms_decay: 1', "rms_decay should lie between 0 and 1"),
        ('regularization_type: "L3"', "Unknown regularization type: 'L3'"),
        ('lr_policy: "sometimes"', "Unknown learning rate policy"),
        ("test_iter: 1", "test_interval is 0"),
        ('test_net: "net.prototxt"', "found 0 test_iter and 1 test_net"),
        ("test_iter: 1 test_interval: 1 test_state {} test_state {}", "test_state .* found 2 for 1"),
    ],
)
def test_solvers_that_cannot_be(more, message):
    with pytest.raises(ParameterError, match=message):
        make(more)


def test_no_net():
    with pytest.raises(ParameterError, match="exactly one train net, found 0"):
        make(base='base_lr: 0.1 lr_policy: "fixed" ')


def test_snapshots_need_a_name():
    with pytest.raises(ParameterError, match="snapshot is specified but snapshot_prefix is not"):
        make("snapshot: 1", SOLVER.replace('snapshot_prefix: "snap"', ""))


def test_snapshot_folder_is_looked_for_at_once():
    with pytest.raises(SnapshotError, match="Cannot write to snapshot prefix 'no/where'.*does not exist"):
        make('snapshot: 1 snapshot_prefix: "no/where"')


def test_a_failed_snapshot_keeps_the_old_one(tmp_path):
    solver = make()
    state = solver.snapshot()
    old = Path(state).read_bytes()
    Path("snap_iter_0.caffemodel").unlink()
    Path("snap_iter_0.caffemodel").mkdir()
    with pytest.raises(SnapshotError, match="Cannot write the snapshot"):
        solver.snapshot()
    assert Path(state).read_bytes() == old
    assert not list(tmp_path.glob("*.tmp"))


def test_paths_count_from_the_solvers_file_too(tmp_path, monkeypatch):
    (tmp_path / "examples" / "deep").mkdir(parents=True)
    (tmp_path / "examples" / "net.prototxt").write_text(NET)
    path = tmp_path / "examples" / "deep" / "solver.prototxt"
    path.write_text(SOLVER.replace("net.prototxt", "examples/net.prototxt").replace('"snap"', '"examples/deep/snap"'))
    monkeypatch.chdir(tmp_path / "examples" / "deep")
    solver = read_solver("solver.prototxt", max_iter=1)
    solver.net.blobs["x"].data[...] = 1
    solver.solve()
    assert (tmp_path / "examples" / "deep" / "snap_iter_1.solverstate").exists()
