"""What a solver tells its watchers."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_lite import schema
from caffe_lite.errors import DivergenceError
from caffe_lite.solvers import Action, Solver, Watcher

NET = """
name: "small"
layer { name: "data" type: "Input" top: "data" top: "label" input_param { shape { dim: 5 dim: 3 } shape { dim: 5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" loss_weight: 2 }
layer { name: "each" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" top: "classes"
        include { phase: TEST } }
"""


class Note(Watcher):
    """Notes all that it is told."""

    def __init__(self):
        self.told = []

    def on_iteration(self, solver):
        self.told.append(("iteration", solver.iter))

    def on_display(self, solver, shown):
        self.told.append(("display", shown))

    def on_test_batch(self, solver, net, batch):
        self.told.append(("batch", net, batch))

    def on_test(self, solver, tested):
        self.told.append(("test", tested))

    def on_snapshot(self, solver, state):
        self.told.append(("snapshot", solver.iter, state))

    def of(self, kind):
        return [entry[1] for entry in self.told if entry[0] == kind]


@pytest.fixture
def solver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    param = schema.SolverParameter(base_lr=0.5, lr_policy="step", gamma=0.1, stepsize=3, display=2, max_iter=4, test_interval=4,
                                   test_iter=[3], snapshot=3, snapshot_prefix="s", average_loss=2)
    param.net_param.CopyFrom(schema.parse_text(NET, schema.NetParameter))
    solver = Solver(param)
    yield solver
    solver.close()


def test_all_in_order(solver):
    note = Note()
    solver.watchers.append(note)
    solver.solve()
    batches = [("batch", 0, i) for i in range(3)]
    assert [entry if entry[0] in ("batch", "iteration", "snapshot") else (entry[0], entry[1].iteration) for entry in note.told] == [
        *batches, ("test", 0), ("iteration", 1), ("display", 0), ("iteration", 2), ("iteration", 3), ("display", 2),
        ("snapshot", 3, "s_iter_3.solverstate"), ("iteration", 4), ("snapshot", 4, "s_iter_4.solverstate"), ("display", 4),
        *batches, ("test", 4)]
    first, second, last = note.of("display")
    assert first.loss == pytest.approx(2 * 1.3862944)
    assert first.outputs == {"loss": [pytest.approx(1.3862944)]}
    assert (first.rate, second.rate, last.rate) == (0.5, 0.5, None)
    assert first.speed is None
    assert second.speed > 0
    assert last.outputs == {}
    assert last.loss == solver.smoothed_loss
    test = note.of("test")[0]
    assert test.net == 0
    assert list(test.outputs) == ["accuracy", "classes", "loss"]
    assert [len(values) for values in test.outputs.values()] == [1, 4, 1]


def test_what_the_log_says_is_told(solver, caplog):
    note = Note()
    solver.watchers.append(note)
    caplog.set_level("INFO", "caffe_lite.solvers")
    solver.solve()
    for shown in note.of("display")[:-1]:
        lines = [line for line in caplog.messages if line.startswith(f"Iteration {shown.iteration} (")]
        assert [line.rpartition(" = ")[2] for line in lines] == [f"{shown.loss:g}"]
        assert f"Iteration {shown.iteration}, lr = {shown.rate:g}" in caplog.messages
    for tested in note.of("test"):
        assert f"    Test net output #0: accuracy = {tested.outputs['accuracy'][0]:g}" in caplog.messages


def test_a_test_that_is_stopped_is_not_told(solver):
    note = Note()
    solver.watchers.append(note)
    requests = [Action.NONE, Action.STOP]
    solver.action = lambda: requests.pop(0) if requests else Action.NONE
    solver.solve()
    assert note.told == [("batch", 0, 0)]


def test_what_a_watcher_raises_ends_the_training(solver):
    watcher = Watcher()

    def fail(solver):
        raise DivergenceError("enough")

    watcher.on_iteration = fail
    solver.watchers.append(watcher)
    with pytest.raises(DivergenceError, match="enough"):
        solver.solve()
    assert solver.iter == 1
    assert not list(Path().glob("s_iter*"))
