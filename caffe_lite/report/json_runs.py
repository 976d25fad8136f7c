"""``--log_json``'s lines to the same numbers as a log's."""

from __future__ import annotations

import json
from math import nan
from typing import Any

from caffe_lite.report.log import Run, Series


class JsonParser:
    """Takes lines one by one; those of another kind, or damaged ones, are passed over.

    Attributes:
        runs: what they hold.
        ended: whether the last run has ended.
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.ended = False

    def line(self, line: str) -> None:
        """Take in a line."""
        try:
            entry = json.loads(line)
            self._entry(entry, entry["event"])
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):  # not ours
            return

    def _entry(self, entry: dict[str, Any], event: str) -> None:
        self.ended = event == "end"
        if event == "start":
            self.runs.append(Run(str(entry["net"])))
        at = int(entry["iter"]), float(entry["seconds"])
        if event == "train":
            run = self.runs[-1]
            run.loss.add(*at, _number(entry["loss"]))
            if entry["lr"] is not None:
                run.rate.add(*at, float(entry["lr"]))
            _add(run.train, at, entry["outputs"], entry["losses"])
        elif event == "test":
            _add(self.runs[-1].test.setdefault(int(entry["net"]), {}), at, entry["outputs"], entry["losses"])


def _add(outputs: dict[str, Series], at: tuple[int, float], found: dict[str, Any], losses: list[str]) -> None:
    for name, values in found.items():
        for i, value in enumerate(values if isinstance(values, list) else [values]):
            series = outputs.setdefault(f"{name}[{i}]" if i else name, Series(loss=name in losses))
            series.add(*at, _number(value))


def _number(value: float | None) -> float:
    return nan if value is None else float(value)
