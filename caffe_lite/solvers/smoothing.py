"""The loss that the log shows: the mean of the last few."""

from __future__ import annotations

from typing import Any

from caffe_lite.errors import SnapshotError


class LossWindow:
    """The mean over the last ``size`` losses, updated as Caffe updates it.

    Source: ``Solver::UpdateSmoothedLoss`` in Caffe's solver.cpp.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.losses: list[float] = []
        self.mean = 0.0
        self._oldest = 0

    def add(self, loss: float) -> float:
        """Take in the next loss; returns the mean."""
        if len(self.losses) < self.size:
            self.losses.append(loss)
            count = len(self.losses)
            self.mean = (self.mean * (count - 1) + loss) / count
        else:
            self.mean += (loss - self.losses[self._oldest]) / self.size
            self.losses[self._oldest] = loss
            self._oldest = (self._oldest + 1) % self.size
        return self.mean

    def state(self) -> dict[str, Any]:
        """What ``of`` goes on from."""
        return {"losses": list(self.losses), "mean": self.mean, "oldest": self._oldest}

    @classmethod
    def of(cls, size: int, state: dict[str, Any]) -> LossWindow:
        """The window that ``state`` was asked of.

        Raises:
            SnapshotError: it was of another size.
        """
        losses, oldest = list(map(float, state["losses"])), int(state["oldest"])
        window = cls(size)
        if len(losses) > size or not 0 <= oldest < size or (oldest and len(losses) < size):
            raise SnapshotError(f"it was of {len(losses)} losses, and average_loss is {size} now")
        window.losses, window.mean, window._oldest = losses, float(state["mean"]), oldest
        return window
