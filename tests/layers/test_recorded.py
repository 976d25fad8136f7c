"""Every recorded case of the layers that are here, forward and backward."""

import numpy as np
import pytest
from support.layers import RECORDED, run_case

CASES = sorted(path.stem for path in RECORDED.glob("*.npz"))
LOOSE = ("lstm", "rnn", "lrn", "mvn")  # long sums in another order


def test_there_are_cases():
    assert len(CASES) > 20


@pytest.mark.parametrize("name", CASES)
def test_recorded(name):
    run_case(name, 1e-4 if name.startswith(LOOSE) else 1e-5)


def test_a_wrong_number_would_be_seen():
    case = dict(np.load(RECORDED / "contrastive.npz"))
    assert np.abs(case["input_diff/a"]).max() > 1e-2
