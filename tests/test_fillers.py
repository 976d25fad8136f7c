"""Caffe's fillers.

``data/fillers.npz`` and ``data/fillers_more.npz`` were recorded from BVLC Caffe 1.0 (9b89154): the parameters
of layer ``l`` of a net after ``Caffe::set_random_seed``. The digests of the siamese net's first weights too.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from caffe_lite.errors import ParameterError
from caffe_lite.fillers import AVERAGE, FAN_IN, FAN_OUT, fill
from caffe_lite.rng import Rng

DATA = Path(__file__).parent / "data"
CASES = [
    pytest.param(file, name, id=name)
    for file in ("fillers.npz", "fillers_more.npz")
    for name in sorted({key.split("/")[0] for key in np.load(DATA / file)})
]
ENUM = {"FAN_IN": FAN_IN, "FAN_OUT": FAN_OUT, "AVERAGE": AVERAGE}


def parameter(type: str = "constant", **fields: Any) -> SimpleNamespace:
    defaults = {"value": 0, "min": 0, "max": 1, "mean": 0, "std": 1, "sparse": -1, "variance_norm": FAN_IN}
    return SimpleNamespace(**(defaults | fields | {"type": type}))


def parsed(value: str) -> Any:
    return value.strip('"') if '"' in value else ENUM[value] if value in ENUM else float(value)


def parameters(net: str) -> list[SimpleNamespace]:
    """The fillers in the text of a net, weights first."""
    return [
        parameter(**{field: parsed(value) for field, value in re.findall(r"(\w+): (\S+)", body)})
        for body in re.findall(r"_filler \{([^}]*)\}", net)
    ]


def filled(shape: tuple[int, ...], param: SimpleNamespace, seed: int = 5) -> np.ndarray[Any, Any]:
    array = np.full(shape, np.nan, np.float32)
    fill(array, param, Rng(seed))
    return array


@pytest.mark.parametrize(("file", "name"), CASES)
def test_as_caffe_to_the_bit(file: str, name: str) -> None:
    case = np.load(DATA / file)
    stream = Rng(int(case[f"{name}/seed"]))
    fillers = parameters(str(case[f"{name}/net"]))
    assert fillers
    for i, param in enumerate(fillers):
        expected = case[f"{name}/{i}"]
        array = np.full(expected.shape, np.nan, np.float32)
        fill(array, param, stream)
        np.testing.assert_array_equal(array.view(np.uint32), expected.view(np.uint32))


def test_first_weights_of_the_siamese_net() -> None:
    stream = Rng(1701)
    stream.rand()  # starting the data layer's prefetch thread takes one word
    expected = {
        (20, 1, 5, 5): "cfbb201cfb39f025",
        (50, 20, 5, 5): "9582d401fbe3cc03",
        (500, 800): "cf7350ceca82b3f8",
        (10, 500): "c3f877a989a4dc37",
        (2, 10): "57b020b51d4b99d9",
    }
    for shape, recorded in expected.items():
        weights = np.empty(shape, np.float32)
        fill(weights, parameter("xavier"), stream)
        assert sha256(weights.tobytes()).hexdigest()[:16] == recorded


@pytest.mark.parametrize("type", ["xavier", "gaussian", "constant", "positive_unitball"])
def test_other_arrays_get_the_same_values(type: str) -> None:
    param = parameter(type, value=0.3, sparse=2 if type == "gaussian" else -1)
    expected = filled((6, 3, 2), param)
    double = np.full((6, 3, 2), np.nan)
    strided = np.full((6, 3, 4), np.nan, np.float32)
    fill(double, param, Rng(5))
    fill(strided[:, :, ::2], param, Rng(5))
    np.testing.assert_array_equal(double, expected)
    np.testing.assert_array_equal(strided[:, :, ::2], expected)
    assert np.isnan(strided[:, :, 1::2]).all()


def test_scalars() -> None:
    assert filled((), parameter(value=2.5)) == np.float32(2.5)
    assert 3 <= filled((), parameter("uniform", min=3, max=4)) <= 4


@pytest.mark.parametrize(
    ("type", "shape", "fields", "message"),
    [
        ("constant", (2, 0), {}, "nothing to fill in the shape (2, 0)"),
        ("constant", (2,), {"sparse": 1}, 'sparse is 1, but only "gaussian" can be sparse'),
        ("uniform", (2,), {"min": 2, "max": 1}, "cannot draw uniformly from 2 to 1"),
        ("gaussian", (2,), {"std": 0}, "standard deviation of 0: expected more than 0"),
        ("gaussian", (3, 2), {"sparse": 4}, "sparse is 4: expected 0 to 3"),
        ("gaussian", (3, 2), {"sparse": -2}, "sparse is -2: expected 0 to 3"),
        ("gaussian", (), {"sparse": 0}, "cannot fill a scalar"),
        ("xavier", (), {}, "cannot fill a scalar"),
        ("msra", (), {}, "cannot fill a scalar"),
        ("positive_unitball", (), {}, "cannot fill a scalar"),
        ("bilinear", (4, 4), {}, "cannot fill the shape (4, 4): expected four axes"),
        ("bilinear", (2, 1, 4, 5), {}, "cannot fill the shape (2, 1, 4, 5)"),
    ],
)
def test_refusals_name_the_filler(
    type: str, shape: tuple[int, ...], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)) as caught:
        filled(shape, parameter(type, **fields))
    assert str(caught.value).startswith(f'filler "{type}": ')


def test_unknown_filler_lists_the_known_and_the_close() -> None:
    with pytest.raises(ParameterError) as caught:
        filled((2,), parameter("xavir"))
    assert str(caught.value) == (
        'unknown filler "xavir": expected one of bilinear, constant, gaussian, msra, positive_unitball, '
        'uniform, xavier; did you mean "xavier"?'
    )
    with pytest.raises(ParameterError, match=r"uniform, xavier$"):
        filled((2,), parameter("zzz"))
