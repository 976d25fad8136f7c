"""How many bad records a training gets over (``--skip_bad_records``)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from caffe_lite.errors import CaffeError, DataError

log = logging.getLogger(__name__)

Skip: TypeAlias = Callable[[CaffeError], None]
"""Called with what is wrong with a record: raises an error, or returns, and then the record is left out."""

IN_A_ROW = 1000
"""Bad records, met without a good one between them and more than may be skipped, after which there is none."""


def refuse(error: CaffeError) -> None:
    """No bad record is left out."""
    raise error


class Skipped(NamedTuple):
    """How many records were left out, each counted once, and how many times one was."""

    records: int = 0
    times: int = 0


class Tolerance:
    """Leaves bad records out up to a number.

    They are found by a thread that reads ahead, and told of when the batch is used that they are missing in, so that
    the log does not depend on how far ahead that is.

    Args:
        most: how many may be left out.
        where: stands for the layer in the log.
    """

    def __init__(self, most: int, where: str = "") -> None:
        self.most, self._where = most, where
        self._bad: dict[bytes | str, str] = {}
        self._told = Skipped()
        self._times = self._in_a_row = 0

    @property
    def skipped(self) -> Skipped:
        """So far, what was read ahead included."""
        return Skipped(len(self._bad), self._times)

    def skip(self, error: CaffeError, record: bytes | memoryview | str | None = None) -> None:
        """Leave out a record.

        Args:
            error: what is wrong with it.
            record: its key or name, to count it once; without one the error's text.

        Raises:
            CaffeError: of the same kind, where that would be one more than ``most``, or there is no good record at all.
        """
        if not self.most:
            raise error
        self._times += 1
        self._in_a_row += 1
        text = str(error)
        record = text if record is None else bytes(record) if isinstance(record, memoryview) else record
        if record not in self._bad:
            if len(self._bad) >= self.most:
                raise type(error)(f"{text}. Before it {self.most} bad record(s) were skipped, as many as "
                                  "--skip_bad_records allows")
            self._bad[record] = text
        if self._in_a_row > self.most + IN_A_ROW:
            raise DataError(f"{text}. There is no good record between the bad ones")

    def position(self, until: Skipped | None = None) -> dict[str, Any]:
        """Which records were left out until then, for another process to go on counting; empty where none were."""
        until = until or self.skipped
        return {"records": list(self._bad)[: until.records], "times": until.times} if until.times else {}

    def go_to(self, position: Mapping[str, Any]) -> None:
        """Go on from a ``position``, whose records have been told of."""
        self._bad = dict.fromkeys(position.get("records", ()), "")
        self._times, self._in_a_row = int(position.get("times", 0)), 0
        self._told = self.skipped

    def good(self) -> None:
        """A good record came."""
        self._in_a_row = 0

    def tell(self, until: Skipped | None = None) -> None:
        """Say what was wrong with each record, once, up to what ``skipped`` was when a batch was made."""
        until = until or self.skipped
        for text in list(self._bad.values())[self._told.records : until.records]:
            log.warning("%s: skipped a bad record: %s", self._where, text)
        self._told = max(self._told, until)

    def tell_total(self) -> None:
        """Say once how many there were."""
        if self._told.records:
            log.warning("%s: skipped %d bad record(s), %d time(s) in all", self._where, *self._told)
        self._told, self._bad = Skipped(), {}
