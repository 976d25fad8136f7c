"""Every file from Caffe's history is upgraded to what Caffe's own tools made of it."""

import json
from pathlib import Path

import pytest

from caffe_lite.schema import NetParameter, SolverParameter, read_text
from caffe_lite.upgrade import needs_upgrade, read_net, upgrade_solver

FOLDER = Path(__file__).resolve().parents[2] / "../shared/reference/prototxt"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="Caffe's own prototxt files are no part of this repository")


def recorded(kind):
    index = json.loads((FOLDER / "index.json").read_text())
    paths = [FOLDER / entry["file"] for entry in index if entry["file"].startswith(kind)]
    assert len(paths) > 30
    return paths


@pytest.mark.parametrize("kind", ["v0", "v1", "v2"])
def test_nets(kind):
    for path in recorded(kind):
        assert read_net(path) == read_text(path.with_suffix(".upgraded"), NetParameter), path
        assert needs_upgrade(read_text(path, NetParameter)) or kind == "v2"


def test_solvers():
    for path in recorded("solver"):
        solver = upgrade_solver(read_text(path, SolverParameter))
        assert solver == read_text(path.with_suffix(".upgraded"), SolverParameter), path
