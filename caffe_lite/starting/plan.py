"""Batches and iterations that fit the data."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

TRAIN_BATCH, TEST_BATCH = 64, 100
TESTS = 20  # in a training


@dataclass(frozen=True)
class Plan:
    """How long to train and how often to look.

    Attributes:
        train_batch, test_batch: items at once.
        test_iter: batches that cover the test set exactly once.
        max_iter, test_interval, display, snapshot: iterations.
    """

    train_batch: int
    test_batch: int
    test_iter: int
    max_iter: int
    test_interval: int
    display: int
    snapshot: int


def plan(train: int, test: int, rounds: int, least: int, most: int) -> Plan:
    """The plan for so many items.

    Args:
        train, test: how many there are to learn from, and to test with.
        rounds: how often each is to be learned from.
        least, most: bounds of ``max_iter``, stronger than ``rounds``.
    """
    train_batch = min(TRAIN_BATCH, train)
    test_batch = next(size for size in range(min(TEST_BATCH, test), 0, -1) if test % size == 0)
    wanted = min(max(ceil(rounds * train / train_batch), least), most)
    interval = _round(wanted // TESTS)
    return Plan(train_batch, test_batch, test // test_batch, ceil(wanted / interval) * interval, interval,
                max(interval // 5, 1), 5 * interval)


def _round(number: int) -> int:
    """The largest of 1, 2, 5, 10, 20, 50, ... that is not larger."""
    power = 10 ** (len(str(max(number, 1))) - 1)
    return max(digit * power for digit in (1, 2, 5) if digit * power <= max(number, 1))
