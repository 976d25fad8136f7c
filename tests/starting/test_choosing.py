"""Which images are tested with, which make pairs, and how long a training is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.errors import DataError
from caffe_lite.rng import Rng
from caffe_lite.starting.pairs import balanced_pairs, tutorial_pairs
from caffe_lite.starting.photos import Photos
from caffe_lite.starting.plan import plan
from caffe_lite.starting.split import split

SIZES = st.lists(st.integers(2, 90), min_size=1, max_size=6)


def photos(sizes):
    """So many images of each class, in the order of the classes; the pixel of image i is i."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return Photos(np.arange(len(labels), dtype=np.uint16).reshape(-1, 1, 1, 1), labels, tuple(map(str, range(len(sizes)))),
                  tuple(map(str, range(len(labels)))))


@given(SIZES, st.floats(0.01, 0.99), st.integers(0, 9))
def test_every_image_is_in_one_part(sizes, share, seed):
    train, test = split(photos(sizes), share, Rng(seed))
    assert sorted([*train.pixels.ravel(), *test.pixels.ravel()]) == list(range(sum(sizes)))
    for part in (train, test):
        assert set(part.labels) == set(range(len(sizes)))
        assert [str(i) for i in part.pixels.ravel()] == list(part.names)
        assert (np.repeat(np.arange(len(sizes)), sizes)[part.pixels.ravel()] == part.labels).all()
    if len(test) > 100:
        assert len(test) % 10 == 0
    wanted = sum(min(max(round(share * size), 1), size - 1) for size in sizes)
    assert wanted - (10 if wanted > 100 else 1) < len(test) <= wanted


def test_the_split_follows_the_seed():
    first, again, other = (split(photos([40, 21]), 0.25, Rng(seed))[1].pixels.ravel() for seed in (5, 5, 6))
    assert (first == again).all()
    assert sorted(first) != sorted(other)
    assert sorted(first) != list(first), "in random order"


def test_large_test_sets_have_full_hundreds():
    train, test = split(photos([1117, 2214, 3]), 0.5, Rng(3))
    assert (len(train), len(test)) == (1734, 1600)
    assert np.bincount(test.labels).tolist() == [558, 1040, 2], "the largest class gives back"


def test_a_single_image_cannot_be_split():
    with pytest.raises(DataError, match="class '1' has one image"):
        split(photos([3, 1]), 0.2, Rng(1))


@given(st.lists(st.integers(1, 12), min_size=2, max_size=5).filter(lambda sizes: max(sizes) > 1), st.integers(1, 300))
def test_balanced_pairs(sizes, count):
    labels = np.random.default_rng(count).permutation(np.repeat(np.arange(len(sizes)), sizes))
    pairs = balanced_pairs(labels, count, Rng(count))
    assert pairs.shape == (count, 2)
    same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    assert same.tolist() == [k % 2 == 0 for k in range(count)]
    assert (pairs[:, 0] != pairs[:, 1]).all()
    for kind, able in ((0, np.flatnonzero(np.array(sizes)[labels] > 1)), (1, np.arange(len(labels)))):
        times = Counter(pairs[kind::2, 0].tolist())
        found = [times[i] for i in able.tolist()]
        assert sum(found) == len(pairs[kind::2])
        assert max(found) - min(found) <= 1


def test_balanced_pairs_reach_every_image():
    labels = np.array([2, 0, 1, 0, 2, 2, 1])
    found = Counter(map(tuple, balanced_pairs(labels, 4000, Rng(1)).tolist()))
    assert len(found) == 7 * 6, "each image meets each other"
    assert min(found[1, j] for j in (0, 2, 4, 5, 6)) > 0.6 * max(found[1, j] for j in (0, 2, 4, 5, 6))


@pytest.mark.parametrize(("labels", "message"), [([3, 3, 3], "there is one"), ([0, 1, 2], "each class has one")])
def test_no_balanced_pairs(labels, message):
    with pytest.raises(DataError, match=message):
        balanced_pairs(np.array(labels), 4, Rng(1))


def test_tutorial_pairs_are_the_converters():
    rng = Rng(7)
    expected = [(rng.rand() % 13, rng.rand() % 13) for _ in range(20)]
    assert tutorial_pairs(np.zeros(13), 20, Rng(7)).tolist() == [list(pair) for pair in expected]


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 100))
def test_a_plan_covers_the_test_set_exactly_once(train, test, rounds):
    found = plan(train, test, rounds, least=1000, most=50000)
    assert found.test_batch * found.test_iter == test
    assert found.test_batch <= 100
    assert found.train_batch <= train
    assert found.max_iter % found.test_interval == 0, "the last iteration is tested too"
    assert 1000 <= found.max_iter < 50000 + found.test_interval
    assert 20 <= found.max_iter / found.test_interval <= 52
    assert found.max_iter * found.train_batch >= min(rounds * train, 50000 * found.train_batch)
