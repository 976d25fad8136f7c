"""The charts that Caffe's ``plot_training_log.py`` draws, by their names and numbers."""

from __future__ import annotations

from typing import NamedTuple

from caffe_lite.errors import ParameterError
from caffe_lite.report.log import Run, Series

QUANTITIES = ("Test accuracy", "Test loss", "Train learning rate", "Train loss")


class Chart(NamedTuple):
    """One of ``QUANTITIES`` over iterations or seconds."""

    quantity: str
    seconds: bool

    @property
    def name(self) -> str:
        """As Caffe writes it."""
        return f"{self.quantity} vs. {'Seconds' if self.seconds else 'Iters'}"

    def series(self, run: Run) -> Series:
        """Its values; of the first test net the first output that is a loss, or that is none."""
        if self.quantity == "Train loss":
            return run.loss
        if self.quantity == "Train learning rate":
            return run.rate
        outputs = run.test.get(0, {}).values()
        return next((one for one in outputs if one.loss == (self.quantity == "Test loss")), Series())


CHARTS = tuple(Chart(quantity, seconds) for quantity in QUANTITIES for seconds in (False, True))


def chart_of(text: str) -> Chart:
    """The chart of a number from 0 to 7 or of a name, such as ``Test loss vs. Iters``.

    Raises:
        ParameterError: there is none.
    """
    for i, chart in enumerate(CHARTS):
        if text == str(i) or " ".join(text.lower().split()) == chart.name.lower():
            return chart
    known = ", ".join(f"{i} ({chart.name})" for i, chart in enumerate(CHARTS))
    raise ParameterError(f"--chart={text}: expected one of {known}")
