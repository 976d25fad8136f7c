"""For every test."""

import logging
from zlib import crc32

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("no deadline")


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


@pytest.fixture(autouse=True)
def numbers_of_its_own(request):
    """A module's random numbers, begun anew for each test: the same ones, whichever tests ran before on this core."""
    for generator in vars(request.module).values():
        if isinstance(generator, np.random.Generator):
            begin = np.random.default_rng(crc32(request.node.name.encode()))
            generator.bit_generator.state = begin.bit_generator.state
