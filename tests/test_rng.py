"""Caffe's random numbers.

The digests were recorded from BVLC Caffe 1.0 (9b89154) built with Boost 1.74: what ``caffe_rng_gaussian`` and
its sisters draw after ``Caffe::set_random_seed``. ``data/layers/dropout_train.npz`` is of the recordings too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite import rng
from caffe_lite.errors import ParameterError, SnapshotError
from caffe_lite.rng import Rng

DATA = Path(__file__).parent / "data"
MANY = 100_000
SEEDS = (147, 2**32 - 1)
floats = st.floats(-1e6, 1e6, width=32)
seeds = st.integers(0, 2**32 - 1)


def digest(values: np.ndarray[Any, Any]) -> str:
    return sha256(values.tobytes()).hexdigest()[:16]


def test_words_are_mt19937() -> None:
    stream = Rng(5489)
    words = [stream.rand() for _ in range(10_000)]
    assert words[0] == 3499211612
    assert words[-1] == 4123659995  # the value that the C++ standard prescribes


@pytest.mark.parametrize(
    ("seed", "expected", "next_word"),
    [
        (SEEDS[1], "771f1ad032c020bc", 3692760482),
        (147, "2020ae1d4dfda972", 967359204),  # a tail whose exponential has itself a tail
        (23, "f26935e0dcfcb44e", 642314488),  # a tail whose exponential is drawn again
    ],
)
def test_gaussian_as_caffe(seed: int, expected: str, next_word: int) -> None:
    stream = Rng(seed)
    assert digest(stream.gaussian(0.5, 1.7, MANY)) == expected
    assert stream.rand() == next_word


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (-0.3, 1.9, ("d826b01f8adb3f3d", "ee93a19a8db53919")),
        (2.0, 2.0000005, ("715178b276e7085e", "75385e43b1db800a")),
    ],
)
def test_uniform_as_caffe(a: float, b: float, expected: tuple[str, str]) -> None:
    assert tuple(digest(Rng(seed).uniform(a, b, MANY)) for seed in SEEDS) == expected


def test_bernoulli_as_caffe() -> None:
    in_double = [digest(Rng(seed).bernoulli(0.3, MANY)) for seed in SEEDS]
    in_float = [digest(Rng(seed).bernoulli(0.7, MANY, real=np.float32)) for seed in SEEDS]
    assert in_double == ["0280df10d6a83dc9", "4199c13a050d16ea"]
    assert in_float == ["91513add14b4b4cd", "89b508af7a161504"]


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (SEEDS[1], "5e9b72fad4a0b75e"),
        (140, "1088c8dbca9a7b6f"),  # a word beyond the last whole bucket
    ],
)
def test_shuffle_as_caffe(seed: int, expected: str) -> None:
    items = list(range(MANY // 10))
    Rng(seed).shuffle(items)
    assert digest(np.array(items, np.int32)) == expected


def test_dropout_mask_follows_from_the_seed() -> None:
    case = np.load(DATA / "layers" / "dropout_train.npz")
    x, y = case["input/x"], case["forward/y"]
    mask = Rng(int(case["seed"])).bernoulli(1 - 0.5, x.size).reshape(x.shape)
    assert 0 < mask.sum() < mask.size
    np.testing.assert_array_equal(x * mask * np.float32(2), y)
    np.testing.assert_array_equal(case["top_diff/y"] * mask * np.float32(2), case["input_diff/x"])


def test_plain_python_draws_the_same() -> None:
    script = (
        "from caffe_lite.rng import Rng; s = Rng(3); print(s.gaussian(0, 1, 700).tolist(), s.uniform(0, 1, 5)"
        ".tolist(), s.bernoulli(0.4, 9).tolist(), s.rand())"
    )
    plain = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    s = Rng(3)
    draws = (
        s.gaussian(0, 1, 700).tolist(),
        s.uniform(0, 1, 5).tolist(),
        s.bernoulli(0.4, 9).tolist(),
        s.rand(),
    )
    assert plain.stdout.split() == " ".join(map(str, draws)).split()


@pytest.mark.parametrize("corners", [rng._gaussian_corners, rng._exponential_corners])
def test_ziggurat_strips_have_equal_areas(corners: Any) -> None:
    x, y = corners()
    density = np.exp(-x * x / 2) if corners is rng._gaussian_corners else np.exp(-x)
    np.testing.assert_allclose(y[1:], density[1:], rtol=1e-14)
    areas = x[1:-1] * np.diff(y)[1:]
    np.testing.assert_allclose(areas, x[0] * y[1], rtol=1e-11)
    assert (np.diff(x) < 0).all()


def test_bernoulli_rounds_words_in_the_type_asked_for() -> None:
    for seed in range(40):
        word = Rng(seed).rand()
        below, above = (word - 0.5) / (2**32 - 1), (word + 0.5) / (2**32 - 1)
        assert [int(Rng(seed).bernoulli(p, 1)[0]) for p in (below, above)] == [0, 1]
        in_float = np.float32(word) <= np.float32(below) * np.float32(2**32)
        assert Rng(seed).bernoulli(below, 1, real=np.float32)[0] == in_float


def test_bernoulli_extremes() -> None:
    stream = Rng(6)
    assert not stream.bernoulli(0, 11).any()
    assert stream.rand() == Rng(6).rand()  # nothing drawn for the impossible
    assert stream.bernoulli(1, 11).all()


@given(seeds, floats, floats)
@settings(max_examples=50)
def test_uniform_stays_within_its_bounds(seed: int, a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    values = Rng(seed).uniform(low, high, 40)
    assert values.dtype == np.float32
    assert low <= values.min()
    assert values.max() <= high


@given(seeds, floats, st.floats(2**-10, 2**10, width=32))
@settings(max_examples=50)
def test_gaussian_scales_and_shifts_one_stream(seed: int, mean: float, sigma: float) -> None:
    unit = Rng(seed).gaussian(0, 1, 40)
    expected = unit * np.float32(sigma) + np.float32(mean)
    np.testing.assert_array_equal(Rng(seed).gaussian(mean, sigma, 40), expected)


@given(seeds, st.integers(0, 1500), st.integers(0, 40))
@settings(max_examples=50)
def test_state_goes_on_where_it_was_taken(seed: int, before: int, count: int) -> None:
    first, second = Rng(seed), Rng(0)
    first.uniform(0, 1, before)
    state = first.getstate()
    expected = first.gaussian(0, 1, count)
    second.setstate(state)
    np.testing.assert_array_equal(second.gaussian(0, 1, count), expected)
    assert second.rand() == first.rand()


@given(seeds, st.lists(st.integers(), max_size=30))
@settings(max_examples=50)
def test_shuffle_keeps_what_is_there(seed: int, items: list[int]) -> None:
    shuffled = items.copy()
    Rng(seed).shuffle(shuffled)
    assert sorted(shuffled) == sorted(items)


def test_shuffle_moves_rows_of_an_array() -> None:
    rows, numbers = np.arange(21).reshape(7, 3), list(range(7))
    Rng(4).shuffle(rows)
    Rng(4).shuffle(numbers)
    assert numbers != list(range(7))
    np.testing.assert_array_equal(rows, np.arange(21).reshape(7, 3)[numbers])


def test_arrays_are_filled_in_place() -> None:
    real, whole = np.empty((3, 5), np.float32), np.empty((3, 5), np.uint32)
    stream = Rng(8)
    assert stream.uniform(0, 1, real) is real
    np.testing.assert_array_equal(real.ravel(), Rng(8).uniform(0, 1, 15))
    assert stream.gaussian(0, 1, real) is real
    assert stream.bernoulli(0.5, whole) is whole
    for unfit in (np.empty(4), np.empty((4, 4), np.float32)[:, 1]):
        with pytest.raises(ValueError, match="contiguous array of float32"):
            stream.uniform(0, 1, unfit)


def test_seeds() -> None:
    assert Rng(-1).rand() == Rng(2**32 - 1).rand()
    assert Rng(2**32 + 9).rand() == Rng(9).rand()
    assert (Rng().getstate() != Rng().getstate()).any()


def test_default_stream_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rng, "_of_thread", threading.local())
    held = rng.default()
    rng.set_random_seed(12)
    words = held.rand(), rng.default().rand()
    again = Rng(12)
    assert words == (again.rand(), again.rand())
    assert words[0] != words[1]


def test_each_thread_has_a_default_stream() -> None:
    rng.set_random_seed(12)
    others: list[int] = []

    def other() -> None:
        rng.set_random_seed(34)
        others.extend(rng.default().rand() for _ in range(2))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    mine, others_alone = Rng(12), Rng(34)
    assert rng.default().rand() == mine.rand()
    assert others == [others_alone.rand(), others_alone.rand()]


@pytest.mark.parametrize(
    ("a", "b"), [(1, 0.5), (float("nan"), 1), (0, float("inf")), (-3e38, 3e38), (0, 3.4028234663852886e38)]
)
def test_uniform_refuses_what_it_cannot_draw(a: float, b: float) -> None:
    with pytest.raises(ParameterError, match="cannot draw uniformly from"):
        Rng(1).uniform(a, b, 2)


@pytest.mark.parametrize("sigma", [0, -2, float("nan")])
def test_gaussian_refuses_what_it_cannot_draw(sigma: float) -> None:
    with pytest.raises(ParameterError, match=f"standard deviation of {sigma:g}: expected more than 0"):
        Rng(1).gaussian(0, sigma, 2)


@pytest.mark.parametrize("p", [-0.25, 1.5, float("nan")])
def test_bernoulli_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ParameterError, match=f"{p:g} is not a probability"):
        Rng(1).bernoulli(p, 2)


def test_setstate_refuses_what_is_no_state() -> None:
    good = Rng(1).getstate()
    beyond = good.copy()
    beyond[-1] = 625
    for bad in (good[:-1], good.astype(np.int64), beyond):
        with pytest.raises(SnapshotError, match="no random generator's state: expected 625 uint32"):
            Rng(2).setstate(bad)
