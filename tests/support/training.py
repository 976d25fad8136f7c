"""Training from the command line: shortened copies of the examples, and what the log says about them."""

from __future__ import annotations

from pathlib import Path

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.report.log import parse_log
from support.runs import BACKEND

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
    """The ``Run`` that the log of `caffe train` with a solver, a message or a text, tells of."""
    if isinstance(solver, str):
        Path("solver.prototxt").write_text(solver)
    else:
        schema.write_text("solver.prototxt", solver)
    capfd.readouterr()
    code = main(["train", "--solver=solver.prototxt", *flags])
    log = capfd.readouterr().err
    assert code == 0, log
    [run] = parse_log(log.splitlines())
    return run


def first_and_last(values, count=3):
    """The means of the first and of the last few values."""
    return sum(values[:count]) / count, sum(values[-count:]) / count
