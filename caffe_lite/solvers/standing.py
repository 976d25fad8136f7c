"""Where a training stands, beside its weights and histories: what the ``.resume`` file of a snapshot holds.

``made_by``
    the threads and the bytes of a vector that sums were cut into: with others the last bits differ
``window``
    the losses that the log's mean is of, null between two calls of ``step``
``random``
    the stream that fillers and dropout draw from, and the C library's
``python``
    Python's and numpy's global streams, where the net has Python layers
``nets``
    for the train net and each test net the positions of its layers, and the parameters that only a test net has
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import CaffeError, SnapshotError
from caffe_lite.kernels.vector import VECTOR_BYTES
from caffe_lite.layers import Layer
from caffe_lite.net import Net
from caffe_lite.parallel import threads
from caffe_lite.solvers.python_streams import python_streams, set_python_streams
from caffe_lite.solvers.smoothing import LossWindow

if TYPE_CHECKING:
    from caffe_lite.solvers.solver import Solver

log = logging.getLogger(__name__)
STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What comes of a value that is not of the kind it should be."""


def standing(solver: Solver) -> dict[str, Any]:
    """Where the solver stands now, between two iterations.

    Raises:
        CaffeError: a Python layer's ``resume_state`` fails.
    """
    nets = [solver.net, *solver.test_nets]
    window = solver.window if solver.running else solver.kept_window
    return {
        "made_by": _maker(),
        "window": None if window is None else window.state(),
        "random": {"stream": solver.rng.getstate(), "libc": solver.rng.libc.getstate()},
        "python": python_streams() if any(map(_has_python, nets)) else None,
        "nets": [_net_standing(net, solver.net) for net in nets],
    }


def stand(solver: Solver, body: dict[str, Any]) -> int:
    """Put the solver where ``standing`` was asked for. What does not fit the solver is told of in the log and begins as
    it does in Caffe.

    Returns:
        How many things did not fit.
    """
    misfits = 0
    for what, step in _steps(solver, body):
        try:
            step()
        except STRANGE as error:
            log.warning("%s: not understood (%s); it begins as it does in Caffe", what, error)
            misfits += 1
        except CaffeError as error:
            log.warning("%s: %s; it begins as it does in Caffe", what, error)
            misfits += 1
    if body.get("made_by") != _maker():
        log.warning("It was made with %s, and this is %s: sums are added up in another order, so that last digits may "
                    "differ from a run without a stop", body.get("made_by"), _maker())
    return misfits


def _steps(solver: Solver, body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What there is to put into its place, by name."""
    yield "The mean loss", lambda: _set_window(solver, body["window"])
    yield "Random numbers", lambda: _set_streams(solver, body["random"])
    if body.get("python") is not None:
        yield "Random numbers of Python", lambda: set_python_streams(body["python"])
    nets = [solver.net, *solver.test_nets]
    entries = body["nets"] if isinstance(body.get("nets"), list) else []
    if len(entries) != len(nets):
        log.warning("It was made with %d net(s), and this solver has %d", len(entries), len(nets))
    for i, (net, entry) in enumerate(zip(nets, entries, strict=False)):
        yield from _net_steps("the train net" if i == 0 else f"test net #{i - 1}", net, entry, solver.net)


def _net_steps(where: str, net: Net, entry: Any, trained: Net) -> Iterator[tuple[str, Any]]:
    try:
        kept, own = _by_layer(entry["layers"]), entry["own"]
    except STRANGE as error:
        log.warning("What was kept of %s is not understood (%s)", where, error)
        kept, own = {}, None
    for layer in net.layers:
        name = f"Layer {layer.name!r} ({layer.type}) of {where}"
        positions = kept.get((layer.name, layer.type))
        if positions:
            yield name, partial(layer.go_to, positions.pop(0))
        elif layer.position():
            yield name, _absent
        elif layer.type == "Python" and not layer.param.bottom:
            log.warning("%s keeps its place to itself: it begins anew; see resume_state in docs/reliability.md", name)
    left = [name for (name, _), positions in kept.items() if positions]
    if left:
        log.warning("There is no layer %s in %s any more", ", ".join(map(repr, left)), where)
    if own:
        yield f"The weights that only {where} has", partial(_set_own, net, trained, own)


def _by_layer(entries: list[dict[str, Any]]) -> dict[tuple[str, str], list[Any]]:
    """The positions of layers of a name and type, in their order."""
    kept: dict[tuple[str, str], list[Any]] = {}
    for layer in entries:
        kept.setdefault((layer["name"], layer["type"]), []).append(layer["position"])
    return kept


def _absent() -> None:
    raise SnapshotError("nothing was kept for it")


def _net_standing(net: Net, trained: Net) -> dict[str, Any]:
    layers = []
    for layer in net.layers:
        position = layer.position()
        if position:
            layers.append({"name": layer.name, "type": layer.type, "position": position})
    return {"name": net.name, "layers": layers,
            "own": [[layer.name, [blob.data for blob in layer.blobs]] for layer in _own(net, trained)]}


def _own(net: Net, trained: Net) -> list[Layer]:
    """Layers with parameters that the train net does not have, so that they are in no file of weights."""
    names = set(trained.layer_names)
    return [layer for layer in net.layers if layer.blobs and layer.name not in names]


def _set_own(net: Net, trained: Net, kept: list[Any]) -> None:
    layers = _own(net, trained)
    shapes = [[layer.name, [blob.shape for blob in layer.blobs]] for layer in layers]
    if shapes != [[name, [array.shape for array in arrays]] for name, arrays in kept]:
        raise SnapshotError("they have other names or shapes now")
    for layer, (_, arrays) in zip(layers, kept, strict=True):
        for blob, array in zip(layer.blobs, arrays, strict=True):
            blob.data[...] = array


def _set_window(solver: Solver, state: dict[str, Any] | None) -> None:
    solver.kept_window = None if state is None else LossWindow.of(solver.param.average_loss, state)


def _set_streams(solver: Solver, state: dict[str, Any]) -> None:
    solver.rng.setstate(state["stream"])
    solver.rng.libc.setstate(state["libc"])


def _has_python(net: Net) -> bool:
    return any(layer.type == "Python" for layer in net.layers)


def _maker() -> dict[str, int]:
    return {"threads": threads(), "vector_bytes": VECTOR_BYTES}
