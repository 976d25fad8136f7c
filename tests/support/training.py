"""Training from the command line: shortened copies of the examples, and what the log says about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.runs import BACKEND

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.report.log import parse_log

EXAMPLES = Path(__file__).parents[2] / "examples"


def example_net(name, batch_size=None, **sources):
    """The net ``examples/NAME.prototxt``.

    Args:
        batch_size: of its data layers.
        sources: what to read instead of a source whose name contains the key, such as ``train="data/train"``.
    """
    net = schema.read_text(EXAMPLES / f"{name}.prototxt", schema.NetParameter)
    point_to(net.layer, batch_size, **sources)
    return net


def point_to(layers, batch_size, **sources):
    """Give data layers another batch size and other sources; see ``example_net``."""
    for layer in layers:
        for kind in ("data_param", "hdf5_data_param"):
            if layer.HasField(kind):
                data = getattr(layer, kind)
                data.batch_size = batch_size or data.batch_size
                data.source = next(source for key, source in sources.items() if key in data.source)
                if kind == "data_param":
                    data.backend = data.DB.Value(BACKEND.upper())


def example_solver(name, net=None, **fields):
    """The solver ``examples/NAME.prototxt`` for that net, with a seed and these fields, and without snapshots."""
    solver = schema.read_text(EXAMPLES / f"{name}.prototxt", schema.SolverParameter)
    if net is not None:
        schema.write_text("net.prototxt", net)
        for field in ("train_net", "test_net"):
            solver.ClearField(field)
        solver.net = "net.prototxt"
    fields = {"random_seed": 1701, "snapshot": 0, "snapshot_after_train": False, "snapshot_prefix": "snap"} | fields
    for field, value in fields.items():
        if isinstance(value, list):
            solver.ClearField(field)
            getattr(solver, field).extend(value)
        else:
            setattr(solver, field, value)
    return solver


def train(capfd, solver, *flags):
    """The ``Run`` that `caffe train` with a solver, a message or a text, logs."""
    return the_run(log_of_training(capfd, solver, *flags))


def log_of_training(capfd, solver, *flags):
    """What `caffe train` with a solver, a message or a text, logs."""
    if isinstance(solver, str):
        Path("solver.prototxt").write_text(solver)
    else:
        schema.write_text("solver.prototxt", solver)
    capfd.readouterr()
    code = main(["train", "--solver=solver.prototxt", *flags])
    log = capfd.readouterr().err
    assert code == 0, log
    return log


def the_run(log):
    """The one training in a log."""
    [run] = parse_log(log.splitlines())
    return run


def mean_of(values, count=3):
    """The mean of the last few values."""
    return sum(values[-count:]) / count


def write_hdf5(name, **arrays):
    """Write ``NAME.h5`` and ``NAME.txt``, the list that holds it alone."""
    h5py = pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")
    with h5py.File(f"{name}.h5", "w") as file:
        for key, array in arrays.items():
            file[key] = array.astype(np.float32)
    Path(f"{name}.txt").write_text(f"{name}.h5\n")
