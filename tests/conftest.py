"""For every test."""

import logging

import pytest


@pytest.fixture(autouse=True)
def log_of_a_library():
    """The log as it is where nobody has imported caffe, which sends it to standard error and nowhere else."""
    root = logging.getLogger("caffe_lite")
    before = root.handlers, root.propagate, root.level
    root.handlers, root.propagate = [], True
    root.setLevel(logging.NOTSET)
    yield
    root.handlers, root.propagate = before[:2]
    root.setLevel(before[2])
