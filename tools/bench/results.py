"""What a run has found, and its JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import nan
from statistics import median, quantiles
from typing import Any

from caffe_lite.errors import DataError
from tools.bench.cases import Case


@dataclass
class Entry:
    """What a contestant did in a case; times in seconds, memory in bytes.

    Attributes:
        median, low, high: the middle of all its times and the quartiles.
        samples: how many times there are.
        first: from the program's start to the end of its first iteration, kernels compiled before.
        memory: the most it held.
        difference: the greatest between its result and the first contestant's, as a part of the greatest value there.
        failed: why there is none of all this.
    """

    median: float | None = None
    low: float | None = None
    high: float | None = None
    samples: int = 0
    first: float | None = None
    memory: int | None = None
    difference: float | None = None
    failed: str | None = None

    @classmethod
    def of(cls, times: Sequence[float], **values: Any) -> Entry:
        """The entry of these times."""
        low, _, high = quantiles(times, n=4) if len(times) > 1 else [times[0]] * 3
        return cls(median(times), low, high, len(times), **values)


@dataclass
class Timed:
    """A case with what all contestants did in it.

    Attributes:
        operations: of an iteration.
        product: the matrix product's rate between the rounds of this case, in operations a second.
    """

    case: Case
    operations: int
    product: float
    entries: dict[str, Entry]

    def fraction(self, name: str) -> float:
        """The contestant's rate as a part of the matrix product's; not a number where it has no time."""
        return self.operations / self.seconds(name) / self.product

    def seconds(self, name: str) -> float:
        """The contestant's time, not a number where it has none."""
        seconds = self.entries[name].median if name in self.entries else None
        return nan if seconds is None else seconds


@dataclass
class Results:
    """Everything a run has found.

    Attributes:
        machine: what it ran on, and with.
        skipped: contestants that did not take part, and why.
        timed: the cases.
        start: rows of ``start.py``.
        data: rows of ``data.py``.
    """

    machine: dict[str, Any]
    skipped: dict[str, str] = field(default_factory=dict)
    timed: list[Timed] = field(default_factory=list)
    start: list[dict[str, Any]] = field(default_factory=list)
    data: list[dict[str, Any]] = field(default_factory=list)

    def contestants(self) -> list[str]:
        """All that took part somewhere, in the order of their first case."""
        return list(dict.fromkeys(name for timed in self.timed for name in timed.entries))

    def group(self, *names: str) -> list[Timed]:
        return [timed for timed in self.timed if timed.case.group in names]


def write_json(results: Results) -> str:
    return json.dumps(asdict(results), indent=1) + "\n"


def read_json(path: str | os.PathLike[str]) -> Results:
    """The results of an earlier run.

    Raises:
        DataError: the file is missing, or no run's.
    """
    try:
        with open(path) as file:
            values = json.load(file)
        values["timed"] = [
            Timed(Case(**timed.pop("case")), **timed | {
                "entries": {name: Entry(**entry) for name, entry in timed["entries"].items()}})
            for timed in values["timed"]
        ]
        return Results(**values)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; give the results.json of an earlier run") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not the results.json of a run of this benchmark ({error})") from error
