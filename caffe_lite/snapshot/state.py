"""The solver's state: a ``.solverstate`` holds the iteration, the histories, and the name of the weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from caffe_lite import schema
from caffe_lite.blob import Array
from caffe_lite.errors import SchemaError, SnapshotError
from caffe_lite.files import locate
from caffe_lite.snapshot.hdf5 import is_hdf5, read_state_hdf5, state_to_hdf5


@dataclass(frozen=True)
class State:
    """Where a training stands.

    Attributes:
        iter: how many updates the weights have had.
        learned_net: the file of weights, or empty.
        current_step: how many steps of ``multistep`` or ``step`` were taken.
        history: what the update rule remembers, in Caffe's order.
    """

    iter: int
    learned_net: str
    current_step: int
    history: Sequence[Array]


def state_to_bytes(path: str | os.PathLike[str], state: State, hdf5: bool = False) -> bytes:
    """The bytes of a ``.solverstate``, or of a ``.solverstate.h5``; ``path`` stands for the file in errors."""
    if hdf5:
        return state_to_hdf5(state.iter, state.learned_net, state.current_step, state.history)
    message = schema.SolverState(iter=state.iter, learned_net=state.learned_net, current_step=state.current_step)
    message.history.extend(schema.array_to_blob(array) for array in state.history)
    return schema.to_bytes(message, path)


def read_state(path: str | os.PathLike[str]) -> State:
    """Read a ``.solverstate`` or a ``.solverstate.h5``. Weights that have moved are looked for beside it.

    Raises:
        SnapshotError: the file is missing, broken, or no solver state.
    """
    if not os.path.isfile(path):
        raise SnapshotError(f"{path}: there is no such solver state")
    if is_hdf5(path):
        iter, learned_net, current_step, arrays = read_state_hdf5(path)
        return _checked(State(iter, _find_weights(learned_net, path), current_step, arrays), path)
    try:
        message = schema.read_binary(path, schema.SolverState)
    except SchemaError as error:
        raise SnapshotError(_not_a_state(path, f": {error}")) from error
    if not message.HasField("iter"):
        raise SnapshotError(_not_a_state(path, ""))
    try:
        history = [schema.blob_to_array(blob) for blob in message.history]
    except SchemaError as error:
        raise SnapshotError(f"{path} is a broken solver state: {error}") from error
    return _checked(State(message.iter, _find_weights(message.learned_net, path), message.current_step, history), path)


def _checked(state: State, path: str | os.PathLike[str]) -> State:
    if min(state.iter, state.current_step) < 0:
        raise SnapshotError(f"{path} is a broken solver state: iter is {state.iter}, current_step {state.current_step}")
    return state


def _not_a_state(path: str | os.PathLike[str], why: str) -> str:
    hint = "; it looks like weights, which --weights starts from" if str(path).endswith(".caffemodel") else ""
    return f"{path} is not a whole .solverstate{why}{hint}"


def _find_weights(name: str, state: str | os.PathLike[str]) -> str:
    found = locate(name, state)
    beside = os.path.join(os.path.dirname(state), os.path.basename(name))
    return beside if name and not os.path.exists(found) and os.path.exists(beside) else found
