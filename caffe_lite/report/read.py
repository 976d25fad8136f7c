"""Log files, of a run that has ended or is going on."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from caffe_lite.errors import DataError
from caffe_lite.report.json_runs import JsonParser
from caffe_lite.report.log import LogParser, Run

LINKS = ("caffe_lite.INFO", "caffe.INFO", "caffe.bin.INFO")
"""What glog names the newest log of a folder."""


def read_log(path: str | os.PathLike[str]) -> list[Run]:
    """The runs in a log, in its order.

    Raises:
        DataError: there is no such file, or no line of a training in it.
    """
    log = Log(path)
    log.read(whole=True)
    if not log.runs:
        raise DataError(
            f"{path}: no training in this log: expected lines such as 'Iteration 100, loss = 0.5', or those of "
            "--log_json. They go to the standard error of 'caffe train': keep them with 2>&1 | tee train.log"
        )
    return log.runs


class Log:
    """A log that may still grow.

    Args:
        path: a log, a file of ``--log_json``, or a folder of ``--log_dir``, whose newest one it is then.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._begin()

    def _begin(self) -> None:
        self._parser: LogParser | JsonParser | None = None
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self._rest = b""

    @property
    def runs(self) -> list[Run]:
        """The runs so far that have numbers."""
        return [run for run in self._parser.runs if not run.empty] if self._parser else []

    @property
    def ended(self) -> bool:
        """Whether the last run has ended."""
        return self._parser is not None and self._parser.ended

    def read(self, whole: bool = False) -> bool:
        """Read what was added; a file that has become shorter, or is another one, is read from its beginning.

        Args:
            whole: take the last line too where it has no end yet.

        Returns:
            Whether anything was added.

        Raises:
            DataError: the file cannot be read.
        """
        try:
            with open(self._newest(), "rb") as file:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) != self._file or status.st_size < self._offset:
                    self._begin()
                    self._file = status.st_dev, status.st_ino
                file.seek(self._offset)
                before = self._offset
                year = datetime.fromtimestamp(status.st_mtime).year
                for line in file:
                    self._offset += len(line)
                    self._take(line, year)
        except OSError as error:
            raise DataError(f"{self.path}: cannot read the log: {error.strerror}") from error
        if whole and self._rest:
            self._take(b"\n", year)
        return self._offset > before

    def _take(self, line: bytes, year: int) -> None:
        line, self._rest = self._rest + line, b""
        if not line.endswith(b"\n"):
            self._rest = line
            return
        if self._parser is None:
            self._parser = JsonParser() if line.startswith(b"{") else LogParser(year)
        self._parser.line(line.decode("utf-8", "replace"))

    def _newest(self) -> Path:
        if not self.path.is_dir():
            return self.path
        for name in LINKS:
            if (self.path / name).exists():
                return self.path / name
        logs = sorted(self.path.glob("*.log.INFO.*"), key=lambda path: path.stat().st_mtime)
        if not logs:
            raise DataError(f"{self.path}: cannot read the log: this is a folder without one that --log_dir has made")
        return logs[-1]
