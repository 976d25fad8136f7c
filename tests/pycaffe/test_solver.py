"""The solvers as pycaffe has them."""

import gc
from pathlib import Path

import caffe
import numpy as np
import pytest
from support.pycaffe import SOLVER, TRAINED, write_solver

from caffe_lite.errors import CaffeError, ParameterError
from caffe_lite.solvers import read_solver

CLASSES = {
    "SGD": caffe.SGDSolver, "Nesterov": caffe.NesterovSolver, "AdaGrad": caffe.AdaGradSolver,
    "RMSProp": caffe.RMSPropSolver, "AdaDelta": caffe.AdaDeltaSolver, "Adam": caffe.AdamSolver,
}  # fmt: skip
MORE = {"RMSProp": "rms_decay: 0.9", "AdaDelta": "momentum: 0.9 delta: 1e-6", "Adam": "momentum: 0.9"}

FILLED_IN = f"""
layer {{ name: "in" type: "Input" top: "data" top: "label"
        input_param {{ shape {{ dim: 4 dim: 3 }} shape {{ dim: 4 }} }} }}
{TRAINED[TRAINED.index('layer { name: "ip"') :]}"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def weights(solver):
    return np.concatenate([blob.data.ravel() for blob in solver.net.params["ip"]])


@pytest.mark.parametrize("kind", CLASSES)
def test_each_class_trains_by_its_rule(kind):
    engine = read_solver(write_solver(f'type: "{kind}" {MORE.get(kind, "")}'))
    engine.step(5)
    wanted = np.concatenate([blob.data.ravel() for blob in engine.net.layers[1].blobs])
    for make, more in ((CLASSES[kind], ""), (caffe.get_solver, f'type: "{kind}"')):
        solver = make(write_solver(f"{more} {MORE.get(kind, '')}"))
        assert type(solver) is CLASSES[kind]
        assert isinstance(solver, caffe.SGDSolver)
        solver.step(5)
        np.testing.assert_array_equal(weights(solver), wanted)


def test_the_class_wins_over_the_file(caplog):
    solver = caffe.SGDSolver(write_solver('type: "Adam" momentum: 0.9'))
    assert solver.engine.param.type == "SGD"
    assert 'solver.prototxt says type: "Adam"; as in Caffe, SGDSolver trains with SGD' in caplog.text


@pytest.mark.parametrize("make", [caffe.SGDSolver, caffe.get_solver])
def test_nan_does_not_stop_it(make, tmp_path):
    solver = make(write_solver("snapshot: 2"))
    solver.net.params["ip"][0].data[...] = np.nan
    solver.step(3)
    assert solver.iter == 3
    assert np.isnan(solver.net.blobs["loss"].data)
    assert (tmp_path / "snap_iter_2.solverstate").exists()


def test_iter_and_rate():
    solver = caffe.SGDSolver(write_solver())
    rates = []
    for _ in range(7):
        rates.append(solver.lr)
        solver.step(1)
    np.testing.assert_allclose(rates, [0.5] * 3 + [0.05] * 3 + [0.005], rtol=1e-6)
    assert solver.iter == 7


def test_the_parameters():
    solver = caffe.SGDSolver(write_solver("layer_wise_reduce: false"))
    param = solver.param
    assert (param.max_iter, param.display, param.layer_wise_reduce) == (7, 2, False)
    param.base_lr = 0.25
    assert solver.param.base_lr == solver.lr == 0.25
    with pytest.raises(AttributeError):
        param.max_iter = 3


def test_solve_tests_and_shares():
    solver = caffe.SGDSolver(write_solver())
    [test] = solver.test_nets
    assert not np.array_equal(test.params["ip"][0].data, solver.net.params["ip"][0].data)
    solver.solve()
    assert solver.iter == 7
    assert np.shares_memory(test.params["ip"][0].data, solver.net.params["ip"][0].data)  # since it was tested
    assert solver.net.blobs["loss"].data < 1  # of log 5 = 1.6
    assert solver.net is solver.net
    assert list(solver.net.forward()) == ["loss"]


def test_what_a_program_writes_counts():
    write_solver(net=FILLED_IN)
    Path("solver.prototxt").write_text(SOLVER.replace('"step"', '"fixed"'))
    solver = caffe.SGDSolver("solver.prototxt")
    solver.net.blobs["data"].data[...] = np.eye(4, 3)
    solver.net.blobs["label"].data[...] = [0, 1, 2, 4]
    solver.step(5)
    solver.param.base_lr = 1
    solver.step(60)
    assert solver.net.forward(end="ip")["ip"].argmax(axis=1).tolist() == [0, 1, 2, 4]


def test_apply_update():
    solver = caffe.SGDSolver(write_solver())
    before = weights(solver)
    for blob in solver.net.params["ip"]:
        blob.diff[...] = 1
    solver.apply_update()
    np.testing.assert_allclose(weights(solver), before - 0.5, rtol=1e-6)
    assert solver.iter == 1


def test_callbacks_and_their_order():
    solver = caffe.SGDSolver(write_solver("iter_size: 2"))
    calls = []
    solver.add_callback(lambda: calls.append("start"), lambda: calls.append("gradients"))
    solver.add_callback(lambda: calls.append("start 2"), lambda: calls.append("gradients 2"))
    solver.add_callback(caffe.NCCL(solver, "uid"))
    solver.net.before_forward(lambda layer: calls.append(f"forward {layer}") if layer == 2 else None)
    solver.net.after_backward(lambda layer: calls.append(f"backward {layer}") if layer == 2 else None)
    solver.step(1)
    passes = ["forward 2", "backward 2"]
    assert calls == ["start", "start 2", *passes, *passes, "gradients", "gradients 2"]
    with pytest.raises(TypeError, match="takes two functions"):
        solver.add_callback(lambda: None)


def test_a_callback_may_stop_the_training():
    solver = caffe.SGDSolver(write_solver())
    solver.add_callback(lambda: None, lambda: 1 / (3 - solver.iter))
    with pytest.raises(ZeroDivisionError):
        solver.solve()
    assert solver.iter == 3


@pytest.mark.parametrize("ending", ["", ".h5"])
def test_snapshot_and_restore(ending):
    if ending:
        pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")
    more = "momentum: 0.9" + (" snapshot_format: HDF5" if ending else "")
    solver = caffe.SGDSolver(write_solver(more))
    solver.step(3)
    assert solver.snapshot() is None
    solver.step(1)
    noise = solver.net.blobs["data"].data.copy()
    files = [f"snap_iter_3.caffemodel{ending}", f"snap_iter_3.solverstate{ending}"]
    assert all(map(Path.exists, map(Path, files)))
    other = caffe.SGDSolver(write_solver(more))
    other.restore(files[1])
    assert other.iter == 3
    other.net.blobs["data"].data[...] = noise
    other.net.forward(start="ip")
    other.net.backward()
    other.apply_update()
    np.testing.assert_allclose(weights(other), weights(solver), rtol=1e-5)
    calls = []
    other.add_callback(lambda: calls.append(other.iter), lambda: None)
    other.solve(files[1])
    assert calls == [3, 4, 5, 6]


def test_share_weights():
    solver = caffe.SGDSolver(write_solver())
    net, before = caffe.Net("trained.prototxt", caffe.TEST), weights(solver)
    solver.share_weights(net)
    np.testing.assert_array_equal(weights(solver), before)
    solver.net.params["ip"][0].data[...] = 8
    assert (net.params["ip"][0].data == 8).all()


def test_nets_outlive_their_solver():
    solver = caffe.SGDSolver(write_solver())
    nets = [solver.net, *solver.test_nets]
    del solver
    gc.collect()
    for net in nets:
        assert net.forward()["loss"] > 0


@pytest.mark.parametrize("make", [caffe.SGDSolver, caffe.get_solver])
def test_mistakes(make):
    with pytest.raises(RuntimeError, match=r"Could not open file no\.prototxt"):
        make("no.prototxt")
    solver = make(write_solver())
    for call in (solver.restore, solver.solve):
        with pytest.raises(RuntimeError, match=r"Could not open file no\.solverstate"):
            call("no.solverstate")
    with pytest.raises(CaffeError, match="trained.prototxt"):
        make(write_solver(net="layer { nme: 3 }"))
    with pytest.raises(RuntimeError, match="cannot be made itself"):
        caffe._caffe.Solver("solver.prototxt")


def test_an_unknown_type():
    with pytest.raises(ParameterError, match="did you mean 'Adam'"):
        caffe.get_solver(write_solver('type: "Adan"'))
