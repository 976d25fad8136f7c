"""ROC, thresholds and neighbours against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.errors import DataError
from caffe_lite.evaluation.neighbours import nearest, queries
from caffe_lite.evaluation.roc import best_threshold, roc, scores
from caffe_lite.rng import Rng

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: 0 < sum(same for _, same in pairs) < len(pairs))


def arrays(pairs):
    return np.array([d for d, _ in pairs], np.float32) / 4, np.array([same for _, same in pairs])


@given(PAIRS)
def test_the_area_is_a_chance(pairs):
    """That a pair of the same class is nearer than one of two classes; a tie counts one half."""
    distances, same = arrays(pairs)
    near, far = distances[same][:, None], distances[~same][None]
    assert roc(distances, same).area == pytest.approx(float(((near < far) + 0.5 * (near == far)).mean()))


@given(PAIRS)
def test_each_step_of_the_curve_is_a_threshold(pairs):
    distances, same = arrays(pairs)
    curve = roc(distances, same)
    steps = [-1.0, *np.unique(distances)]
    assert curve.false_positives.tolist() == pytest.approx([float((distances[~same] <= t).mean()) for t in steps])
    assert curve.true_positives.tolist() == pytest.approx([float((distances[same] <= t).mean()) for t in steps])


@given(PAIRS)
def test_no_threshold_is_better(pairs):
    distances, same = arrays(pairs)
    best = scores(distances, same, best_threshold(distances, same)).accuracy
    for threshold in np.arange(-1, 11) / 4 + 0.125:
        assert scores(distances, same, threshold).accuracy <= best + 1e-12


def test_the_threshold_is_in_the_middle_of_the_widest_gap():
    distances, same = np.array([0.1, 0.25, 0.375, 0.875, 1.0]), np.array([True, True, True, False, False])
    assert best_threshold(distances, same) == 0.625
    assert best_threshold(np.array([0.5, 0.5]), np.array([True, False])) in (0.25, 0.75)
    assert best_threshold(np.zeros(3), np.array([True, False, False])) == 0
    assert best_threshold(np.zeros(3), np.array([True, False, True])) == 0.5


def test_scores_tell_both_kinds_apart():
    distances, same = np.array([1, 2, 3, 4, 5]), np.array([True, False, True, False, False])
    assert scores(distances, same, 2.5) == pytest.approx((3 / 5, 1 / 2, 2 / 3))


@pytest.mark.parametrize("same", [True, False])
def test_pairs_of_one_kind(same):
    with pytest.raises(DataError, match="all 3 pairs are of"):
        roc(np.arange(3), np.full(3, same))
    with pytest.raises(DataError, match="all 3 pairs are of"):
        best_threshold(np.arange(3), np.full(3, same))


@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 9))
def test_nearest(count, dimensions, seed):
    points = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    shown = min(7, count - 1)
    found = nearest(points, shown)
    for i, row in enumerate(found):
        distances = ((points[i].astype(np.float64) - points) ** 2).sum(axis=1)
        distances[i] = np.inf
        assert row.tolist() == np.argsort(distances)[:shown].tolist()


def test_nearest_in_more_rows_than_one_part():
    points = np.arange(600.0)[:, None] ** 1.5
    assert nearest(points, 1)[:, 0].tolist() == [1, *range(599)]


def test_queries_take_turns():
    labels = np.array([4, 1, 1, 1, 7, 1, 7])
    found = queries(labels, 5, Rng(2))
    assert labels[found].tolist() == [1, 1, 4, 7, 7]
    assert len(set(found.tolist())) == 5
    assert sorted(queries(labels, 99, Rng(2)).tolist()) == list(range(7))
