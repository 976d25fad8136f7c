"""Long lines with few points, and noisy ones made smooth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.report.lines import MOST, smoothed, thinned

NUMBERS = st.floats(-1e6, 1e6) | st.just(float("nan")) | st.just(float("inf"))


def test_short_lines_are_as_they_are() -> None:
    x, y = thinned(range(MOST), range(7, MOST + 7))
    np.testing.assert_array_equal(x, np.arange(MOST))
    np.testing.assert_array_equal(y, np.arange(7, MOST + 7))


def test_peaks_of_long_lines_stay() -> None:
    y = np.sin(np.arange(1_000_000) / 1e5)
    y[500_123], y[777_777] = 30, -20
    x, shown = thinned(range(1_000_000), y)  # type: ignore[arg-type]
    assert len(x) <= MOST
    assert dict(zip(x, shown, strict=True))[500_123] == 30
    assert dict(zip(x, shown, strict=True))[777_777] == -20
    assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(shown, y[x.astype(int)])


def test_a_long_line_that_is_nowhere_finite() -> None:
    x, y = thinned(range(9999), [float("nan")] * 9999)
    assert 0 < len(x) <= MOST
    assert np.isnan(y).all()


def by_hand(y: np.ndarray, width: float) -> np.ndarray:
    at = np.arange(len(y))
    weights = np.exp(-0.5 * ((at[:, None] - at) / width) ** 2) * np.isfinite(y)
    return (weights @ np.where(np.isfinite(y), y, 0)) / weights.sum(axis=1)


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.floats(0.5, 9))
def test_smoothing_against_a_plain_mean(values: list[float], width: float) -> None:
    y = np.array(values)
    x, smooth = smoothed(range(len(values)), values, width)
    np.testing.assert_array_equal(x, np.arange(len(values)))
    if np.isfinite(y).all():
        np.testing.assert_allclose(smooth, by_hand(y, width), rtol=1e-2, atol=1e3)  # the bell ends at four widths
    assert len(smooth) == len(values)
    finite = y[np.isfinite(y)]
    if len(finite):
        assert np.nanmax(smooth) <= finite.max() + 1e-3
        assert np.nanmin(smooth) >= finite.min() - 1e-3


def test_smoothing() -> None:
    noise = np.random.default_rng(0).normal(size=400)
    _, smooth = smoothed(range(400), 3 + noise, 10)  # type: ignore[arg-type]
    np.testing.assert_allclose(smooth, by_hand(3 + noise, 10), atol=1e-3)
    assert 0.1 < smooth.std() < 0.3
    _, fitting = smoothed(range(400), 3 + noise)  # type: ignore[arg-type]
    np.testing.assert_allclose(fitting, by_hand(3 + noise, 8), atol=1e-3)


def test_smoothing_a_long_line() -> None:
    x, smooth = smoothed(range(100_000), [float(i % 2) for i in range(100_000)], 1000)
    assert len(x) == len(smooth) == MOST
    assert smooth == pytest.approx(0.5)
