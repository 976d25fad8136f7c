"""Files from Caffe's history: read, and printed as Caffe printed them."""

from pathlib import Path

import pytest

from caffe_lite.schema import NetParameter, SolverParameter, format_text, parse_text, read_text

FOLDER = Path(__file__).resolve().parents[2] / "../shared/reference/prototxt"
FILES = sorted(FOLDER.glob("*/*.*"))


@pytest.mark.skipif(not FILES, reason="Caffe's own prototxt files are no part of this repository")
def test_files_from_caffes_history():
    for path in FILES:
        cls = SolverParameter if path.parent.name == "solver" else NetParameter
        message = read_text(path, cls)
        assert parse_text(format_text(message), cls) == message
        if path.suffix == ".upgraded":
            assert format_text(message) == path.read_text(), path
