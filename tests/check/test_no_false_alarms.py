"""Caffe's own nets and solvers have no errors, except that their data are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.zoo import FOLDER

from caffe_lite.check import check_file

ROOT = Path(__file__).parents[2]
REFUSED = {  # by Caffe too
    "src__programs__imagenet_solver": "a solver needs exactly one train net",
    "src__caffe__test__data__simple_conv": "Unknown bottom blob 'data'",
}
OURS = sorted(ROOT.glob("examples/**/*.prototxt"))
CAFFES = sorted(path for path in FOLDER.parent.glob("*/*.prototxt"))


def alarms(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(ROOT)
    return [f"{finding.line}: {finding.message}" for finding in check_file(str(path)) if finding.code != "path"]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [text for text in alarms(path, monkeypatch) if "test_iter" not in text]  # somebody's data may be here
    assert found == []


@pytest.mark.skipif(not CAFFES, reason="Caffe's own prototxt files are no part of this repository")
@pytest.mark.parametrize("path", CAFFES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_caffes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, expected = alarms(path, monkeypatch), REFUSED.get(path.stem)
    assert not found if expected is None else expected in found[0]
