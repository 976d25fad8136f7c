"""Snapshots as HDF5: Caffe's are read, ours are laid out alike, and what does not fit is told."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite import rng, schema
from caffe_lite.cli import main
from caffe_lite.errors import DependencyError, SnapshotError
from caffe_lite.snapshot import State, read_state, state_to_bytes
from caffe_lite.solvers.solver import read_solver

h5py = pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")
CAFFES = np.load(Path(__file__).parents[1] / "data" / "snapshots" / "caffe.npz")
NET = """
layer { name: "data" type: "DummyData" top: "a" top: "b" top: "t" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 3 } shape { dim: 4 }
  data_filler { type: "gaussian" } data_filler { type: "gaussian" } data_filler { value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "a" top: "y" param { name: "w" } param { name: "c" }
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "ip_p" type: "InnerProduct" bottom: "b" top: "z" param { name: "w" } param { name: "c" }
  inner_product_param { num_output: 2 } }
layer { name: "out" type: "InnerProduct" bottom: "y" top: "q"
  inner_product_param { num_output: 2 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "loss" type: "ContrastiveLoss" bottom: "q" bottom: "z" bottom: "t" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.1 momentum: 0.9 lr_policy: "multistep" stepvalue: 1 stepvalue: 2 gamma: 0.5 max_iter: 3
snapshot_prefix: "ours" snapshot_format: HDF5 snapshot_diff: true random_seed: 5
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    for name in CAFFES.files:
        (tmp_path / name).write_bytes(CAFFES[name].tobytes())


def params(net):
    return [param.blob.data.copy() for param in net.params.learnable]


def layout(path):
    """For each dataset its shape, type and storage; for each group None."""
    found = {}

    def add(name, entry):
        kind = entry.id.get_type() if isinstance(entry, h5py.Dataset) else None
        text = kind is not None and kind.get_class() == h5py.h5t.STRING
        found[name] = kind and (
            entry.shape, kind.get_class(), None if text else str(entry.dtype), entry.chunks,
            text and (kind.is_variable_str(), kind.get_strpad(), kind.get_size() - len(entry[()])),
        )  # fmt: skip

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return found


def test_caffes_weights_are_read_in_both_formats():
    first, second = make_net(NET, seed=1), make_net(NET, seed=2)
    first.copy_trained_from("caffe_iter_3.caffemodel.h5")
    second.copy_trained_from("caffe_iter_3.caffemodel")
    for a, b in zip(params(first), params(second), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.layers[2].blobs[0].data[0, 0] == params(first)[0][0, 0] != params(make_net(NET, seed=1))[0][0, 0]


def test_caffes_state_is_read_in_both_formats():
    first, second = read_state("caffe_iter_3.solverstate.h5"), read_state("caffe_iter_3.solverstate")
    assert (first.iter, first.current_step) == (second.iter, second.current_step) == (3, 2)
    assert first.learned_net == "caffe_iter_3.caffemodel.h5"
    for a, b in zip(first.history, second.history, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_training_leaves_the_same_files():
    read_solver("solver.prototxt").solve()
    for kind in ("caffemodel", "solverstate"):
        ours, caffes = f"ours_iter_3.{kind}.h5", f"caffe_iter_3.{kind}.h5"
        assert layout(ours) == layout(caffes)
        with h5py.File(ours, "r") as a, h5py.File(caffes, "r") as b:
            for name, entry in layout(caffes).items():
                if name == "learned_net":
                    assert a[name][()] == b"ours_iter_3.caffemodel.h5"
                elif entry:
                    np.testing.assert_allclose(a[name][()], b[name][()], rtol=1e-5, atol=1e-7, err_msg=name)


def test_resumed_as_without_a_break():
    whole = read_solver("solver.prototxt", max_iter=5)
    whole.solve()
    split = read_solver("solver.prototxt")
    split.step(2)
    state = split.snapshot()
    assert state == "ours_iter_2.solverstate.h5"
    stream = rng.default().getstate()
    again = read_solver("solver.prototxt", max_iter=5)
    rng.default().setstate(stream)
    again.solve(state)
    for a, b in zip(params(whole.net), params(again.net), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(whole.rule.history, again.rule.history, strict=True):
        np.testing.assert_array_equal(a, b)


def test_from_the_command_line(capfd):
    (Path("half.prototxt")).write_text(SOLVER + "snapshot: 1")
    assert main(["train", "--solver=half.prototxt"]) == 0
    log = capfd.readouterr().err
    assert "Snapshotting to HDF5 file ours_iter_1.caffemodel.h5" in log
    assert "Snapshotting solver state to HDF5 file ours_iter_1.solverstate.h5" in log
    assert main(["train", "--solver=solver.prototxt", "--snapshot=ours_iter_1.solverstate.h5"]) == 0
    assert main(["train", "--solver=solver.prototxt", "--weights=caffe_iter_3.caffemodel.h5"]) == 0
    assert main(["train", "--solver=solver.prototxt", "--weights=ours_iter_1.solverstate.h5"]) == 1
    assert "there is no group 'data' in it" in capfd.readouterr().err


def test_names_with_a_slash(tmp_path):
    text = NET.replace('"ip_p"', '"a/b"').replace('"out"', '"a"')
    first, second = make_net(text, seed=1), make_net(text, seed=2)
    first.save("net.caffemodel.h5", hdf5=True)
    second.copy_trained_from("net.caffemodel.h5")
    for a, b in zip(params(first), params(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_that_are_not_here_are_ignored(caplog):
    caplog.set_level("INFO")
    net = make_net(NET.replace('"out"', '"other"'), seed=1)
    before = params(net)[2]
    net.copy_trained_from("caffe_iter_3.caffemodel.h5")
    assert "Ignoring source layer out" in caplog.text
    np.testing.assert_array_equal(params(net)[2], before)


def test_unshared_where_the_file_shares():
    """`ip_p` has no parameters of its own in the file: a net in which it learns by itself cannot take them."""
    net = make_net(NET.replace('param { name: "w" } param { name: "c" }', ""), seed=1)
    before = params(net)
    with pytest.raises(SnapshotError, match="Incompatible number of blobs for layer ip_p: .* has 0, the net needs 2"):
        net.copy_trained_from("caffe_iter_3.caffemodel.h5")
    for a, b in zip(params(net), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("num_output: 2 bias", "num_output: 4 bias", r"blob 0 of layer out .*Source shape is 2 2 \(4\) target shape is 4"),
        ('name: "loss"', 'name: "loss2"', None),
        ('name: "out" type: "InnerProduct"', 'name: "out" type: "ReLU"', "Incompatible number of blobs for layer out"),
    ],
)
def test_weights_that_do_not_fit(old, new, message):
    text = NET.replace(old, new)
    if "num_output: 4" in new or "ReLU" in new:
        text = text[: text.index('layer { name: "loss"')]
    net = make_net(text, seed=1)
    if message is None:
        net.copy_trained_from("caffe_iter_3.caffemodel.h5")
        return
    with pytest.raises(SnapshotError, match=message):
        net.copy_trained_from("caffe_iter_3.caffemodel.h5")


def test_wrong_files():
    net = make_net(NET, seed=1)
    with pytest.raises(SnapshotError, match=r"solverstate\.h5 is not a \.caffemodel\.h5: .*given to --snapshot"):
        net.copy_trained_from("caffe_iter_3.solverstate.h5")
    with pytest.raises(SnapshotError, match=r"caffemodel\.h5 is not a \.solverstate\.h5: .*given to --weights"):
        read_state("caffe_iter_3.caffemodel.h5")
    for name in ("caffe_iter_3.caffemodel.h5", "caffe_iter_3.solverstate.h5"):
        Path(name).write_bytes(Path(name).read_bytes()[:900])
    with pytest.raises(SnapshotError, match=r"is not a whole \.caffemodel\.h5"):
        net.copy_trained_from("caffe_iter_3.caffemodel.h5")
    with pytest.raises(SnapshotError, match=r"is not a whole \.solverstate\.h5"):
        read_state("caffe_iter_3.solverstate.h5")
    with h5py.File("less.solverstate.h5", "w") as file:
        file.create_group("history")
    with pytest.raises(SnapshotError, match=r"is not a whole \.solverstate\.h5: 'iter' should be one number"):
        read_state("less.solverstate.h5")


def test_names_that_hdf5_cannot_have():
    net = make_net(NET.replace('name: "out" ', ""))
    with pytest.raises(SnapshotError, match=r"layer '' cannot be in an HDF5 file"):
        net.save("net.caffemodel.h5", hdf5=True)
    assert not Path("net.caffemodel.h5").exists()


def test_histories_of_every_shape():
    history = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((), np.float32), *[np.zeros(1, np.float32)] * 9]
    Path("a.solverstate.h5").write_bytes(state_to_bytes("a", State(2**31 - 1, "ä.caffemodel", 0, history), hdf5=True))
    state = read_state("a.solverstate.h5")
    assert (state.iter, state.learned_net) == (2**31 - 1, "ä.caffemodel")
    assert [a.shape for a in state.history] == [a.shape for a in history]


def test_without_h5py_training_does_not_begin(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DependencyError, match=r"HDF5 snapshots needs h5py.*pip install 'caffe_lite\[hdf5\]'"):
        read_solver("solver.prototxt")
    read_solver("solver.prototxt", snapshot_format=schema.SolverParameter.BINARYPROTO).close()
    with pytest.raises(DependencyError, match="h5py"):
        make_net(input_layers(x=(1,))).copy_trained_from("caffe_iter_3.caffemodel.h5")
