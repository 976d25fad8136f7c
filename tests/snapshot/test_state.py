"""The solver's state: written, read, and told from other files."""

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import SnapshotError
from caffe_lite.snapshot import State, read_state, state_to_bytes

HISTORY = [np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(4, np.float32)]


def test_round_trip(tmp_path):
    path = tmp_path / "net_iter_7.solverstate"
    path.write_bytes(state_to_bytes(path, State(7, "net_iter_7.caffemodel", 2, HISTORY)))
    state = read_state(path)
    assert (state.iter, state.learned_net, state.current_step) == (7, "net_iter_7.caffemodel", 2)
    for a, b in zip(state.history, HISTORY, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_moved_with_the_state_are_found(tmp_path):
    folder = tmp_path / "moved"
    folder.mkdir()
    (folder / "a.solverstate").write_bytes(state_to_bytes("a", State(1, "/old/place/a.caffemodel", 0, [])))
    assert read_state(folder / "a.solverstate").learned_net == "/old/place/a.caffemodel"
    (folder / "a.caffemodel").write_bytes(b"x")
    assert read_state(folder / "a.solverstate").learned_net == str(folder / "a.caffemodel")


def test_weights_instead_of_a_state(tmp_path):
    path = tmp_path / "a.caffemodel"
    schema.write_binary(path, make_net(input_layers(x=(2,))).to_proto())
    with pytest.raises(SnapshotError, match=r"a\.caffemodel is not a whole \.solverstate.*--weights"):
        read_state(path)


@pytest.mark.parametrize("keep", [0, 2, 30])
def test_truncated(tmp_path, keep):
    path = tmp_path / "a.solverstate"
    path.write_bytes(state_to_bytes(path, State(300, "net.caffemodel", 2, HISTORY)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SnapshotError, match=r"a\.solverstate"):
        read_state(path)


def test_a_history_whose_shape_is_not_its_count(tmp_path):
    state = schema.SolverState(iter=3)
    state.history.add().CopyFrom(schema.array_to_blob(HISTORY[0]))
    state.history[0].shape.dim[1] = 5
    schema.write_binary(tmp_path / "a.solverstate", state)
    with pytest.raises(SnapshotError, match=r"a\.solverstate is a broken solver state: .*\(2, 5\) holds 6 numbers"):
        read_state(tmp_path / "a.solverstate")


def test_missing(tmp_path):
    with pytest.raises(SnapshotError, match="no such solver state"):
        read_state(tmp_path / "a.solverstate")
