"""Who watches a training: a progress line, a file of numbers, a dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from caffe_lite.solvers.solver import Solver

Outputs: TypeAlias = dict[str, list[float]]
"""The numbers of a net's output blobs by their names, in the net's order."""


class Shown(NamedTuple):
    """What an iteration that is displayed has come to.

    ``loss`` is the mean of the last ``average_loss``, ``rate`` the learning rate, ``speed`` iterations a second since
    the last display. The display after the training has a loss alone.
    """

    iteration: int
    loss: float
    rate: float | None = None
    speed: float | None = None
    outputs: Outputs = {}  # noqa: RUF012


class Tested(NamedTuple):
    """The mean outputs of test net ``net`` over its batches."""

    iteration: int
    net: int
    outputs: Outputs


class Watcher:
    """Told what happens in a training; each method does nothing, so that a watcher has those that it needs.

    What it raises ends the training.
    """

    def on_iteration(self, solver: Solver) -> None:
        """An update was made; ``solver.iter`` counts it."""

    def on_display(self, solver: Solver, shown: Shown) -> None:
        """An iteration was displayed, and its update made."""

    def on_test_batch(self, solver: Solver, net: int, batch: int) -> None:
        """Test net ``net`` has computed a batch, counted from 0; its blobs hold it."""

    def on_test(self, solver: Solver, tested: Tested) -> None:
        """A test net has computed all its batches."""

    def on_snapshot(self, solver: Solver, state: str) -> None:
        """A snapshot was written, whose state is this file."""
