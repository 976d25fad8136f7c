"""Numbers gone wrong: a training whose loss, weights or histories are NaN or infinite stops.

The loss is there anyway, so that looking at it costs nothing; weights and histories are looked at when a snapshot is
due, one pass over memory beside the writing of them. Only when something is found are blobs and gradients searched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from math import inf, isfinite
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import DivergenceError
from caffe_lite.net import Net
from caffe_lite.solvers.norm import sum_squares
from caffe_lite.solvers.policies import learning_rate

if TYPE_CHECKING:
    from caffe_lite.solvers.solver import Solver

log = logging.getLogger(__name__)
LARGEST = 5  # gradients that the message lists


def check_loss(solver: Solver, loss: float) -> None:
    """Raise ``DivergenceError`` for a loss that is not finite; call it after a forward pass.

    Only then is the batch's backward pass run here, so that the message tells its gradients and no other batch's.
    """
    if not isfinite(loss):
        solver.net.clear_param_diffs()
        solver.net.backward()
        _stop(solver, f"the loss is {loss:g}", _first_not_finite(solver.net), "gradients")


def check_weights(solver: Solver) -> None:
    """Raise ``DivergenceError`` where a snapshot would hold weights or histories that are not finite."""
    arrays = [blob.data for layer in solver.net.layers for blob in layer.blobs]
    if not all_finite(arrays):
        _stop(solver, "weights are not finite", _first_not_finite(solver.net), "updates")
    if not all_finite(solver.rule.history):
        what = f"histories of the {solver.param.type} solver are not finite"
        _stop(solver, what, "The weights still are.", "updates")


def all_finite(arrays: Iterable[Array]) -> bool:
    """Whether no number in any float32 array is NaN or infinite: a sum of squares in float64 cannot overflow then."""
    return all(isfinite(sum_squares(array.reshape(-1))) for array in arrays)


def warn_of_outputs(net: Net, number: int, means: Sequence[float]) -> None:
    """Log a warning for each output blob of test net ``number`` that is not finite; training does not depend on it.

    Args:
        means: of all numbers of the net's outputs, in their order.
    """
    names = [name for name in net.outputs for _ in range(net.blobs[name].count)]
    for name in dict.fromkeys(name for name, mean in zip(names, means, strict=True) if not isfinite(mean)):
        log.warning("Test net (#%d): its output %s is not finite; training goes on", number, name)


def _stop(solver: Solver, what: str, where: str, diffs: str) -> NoReturn:
    rate, _ = learning_rate(solver.param, solver.iter, solver.current_step)
    raise DivergenceError(
        f"Iteration {solver.iter}: {what}. {where}\n"
        f"Largest {diffs}: {_largest_diffs(solver.net)}. Learning rate: {rate:g}.\n"
        f"Nothing was written with these numbers; the last finite snapshot: {solver.last_snapshot or 'none'}. Give a "
        "lower base_lr, clip_gradients, or weights that start smaller; look at the data, their scale and the labels. "
        "Where the loss had risen before that snapshot, go on from an older one. --on_nan=continue trains on, as Caffe "
        "does."
    )


def _first_not_finite(net: Net) -> str:
    """Where the first NaN or infinity of the last forward pass stands, a layer's parameters before its tops."""
    for i, layer in enumerate(net.layers):
        for j, blob in enumerate(layer.blobs):
            if bad := _count(blob.data):
                return (f"The first that is not finite: parameter {j} of layer {layer.name!r} ({layer.type}), {bad} of "
                        f"{blob.count} numbers; the last update made it so, or the weights that training started from.")
        for name, blob in zip(net.top_names[i], net.tops[i], strict=True):
            if bad := _count(blob.data):
                data = "" if net.bottoms[i] else " These are data that it gives, not results."
                return (f"The first that is not finite: top {name!r} of layer {layer.name!r} ({layer.type})"
                        f"{_in_place(net, i, blob)}, {bad} of {blob.count} numbers.{data}")
    return "Every blob is finite: their sum overflows."


def _in_place(net: Net, i: int, blob: Blob) -> str:
    later = [net.layers[k].name for k in range(i + 1, len(net.layers)) if any(top is blob for top in net.tops[k])]
    return f", or of {' or '.join(map(repr, later))}, in place on it" if later else ""


def _largest_diffs(net: Net) -> str:
    """The parameters whose ``diff`` has the largest ``max |d|``, NaN before all, with ``max |w|``."""
    found = [(f"{param.layer}[{param.index}]", _peak(param.blob.diff), _peak(param.blob.data))
             for param in net.params.learnable]
    found.sort(key=lambda each: -(inf if np.isnan(each[1]) else each[1]))
    return ", ".join(f"{name} {d:g} (weights up to {w:g})" for name, d, w in found[:LARGEST]) or "none"


def _count(values: Array) -> int:
    return values.size - int(np.count_nonzero(np.isfinite(values)))


def _peak(values: Array) -> float:
    return float(np.abs(values).max(initial=0))
