"""The solver's older form, and what its snapshots are named after."""

import logging

import pytest

from caffe_lite.errors import SchemaError
from caffe_lite.schema import SolverParameter, parse_text
from caffe_lite.upgrade import read_solver, upgrade_solver


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("ADAM", "Adam"),
    ],
)
def test_solver_type(old, new, caplog):
    solver = parse_text(f"base_lr: 0.5 solver_type: {old}", SolverParameter)
    with caplog.at_level(logging.INFO):
        assert upgrade_solver(solver, "s.prototxt") == SolverParameter(base_lr=0.5, type=new)
    assert solver.HasField("solver_type")
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING"]
    assert caplog.messages[0].endswith("'solver_type' field (enum)': s.prototxt")


def test_a_current_solver_stays_as_it_is():
    solver = SolverParameter(type="Adam")
    assert upgrade_solver(solver) is solver


def test_both_types():
    with pytest.raises(SchemaError, match=r"s.prototxt: both solver_type and type \(Adam\) are set"):
        upgrade_solver(SolverParameter(type="Adam", solver_type=SolverParameter.SGD), "s.prototxt")


def read(path, text):
    path.write_text(text)
    return read_solver(path)


def test_snapshot_prefix(tmp_path, caplog):
    path = tmp_path / "my.solver.prototxt"
    with caplog.at_level(logging.INFO):
        assert read(path, "solver_type: ADAM") == SolverParameter(
            type="Adam", snapshot_prefix=str(tmp_path / "my.solver")
        )
        folder = read(path, f'snapshot_prefix: "{tmp_path}"')
        assert folder.snapshot_prefix == str(tmp_path / "my.solver")
        assert read(path, 'snapshot_prefix: "a/b"').snapshot_prefix == "a/b"
    assert caplog.messages[3:] == [
        f"snapshot_prefix was not specified and is set to {tmp_path / 'my.solver'}",
        f"snapshot_prefix was a directory and is replaced to {tmp_path / 'my.solver'}",
    ]
