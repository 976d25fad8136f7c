"""What the progress line says of a training beside how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caffe_lite.solvers.watching import Tested, Watcher

if TYPE_CHECKING:
    from caffe_lite.commands import Bar
    from caffe_lite.solvers import Solver


class Live(Watcher):
    """Moves a progress line on; ``note`` is for it to ask.

    Attributes:
        bar: the line, which may be set later.
    """

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self._testing = ""
        self.bar: Bar | None = None

    def note(self) -> str:
        """The loss, averaged as in the log, and the learning rate of the last update; in a test how far that is."""
        if self._testing or not self._solver.window.losses:
            return self._testing
        return f"loss {self._solver.smoothed_loss:.4g}  lr {self._solver.rate:.3g}"

    def on_iteration(self, solver: Solver) -> None:
        if self.bar is not None:
            self.bar.at(solver.iter)

    def on_test_batch(self, solver: Solver, net: int, batch: int) -> None:
        self._testing = f"testing {batch + 1:,}/{solver.param.test_iter[net]:,}"
        self.on_iteration(solver)

    def on_test(self, solver: Solver, tested: Tested) -> None:
        self._testing = ""
