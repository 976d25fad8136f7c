#!/usr/bin/env python3
"""From a training log to the seconds since its start, one line for each line that names an iteration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.files import atomic_write
from caffe_lite.report.log import HEADER


def extract_datetime_from_line(line: str, year: int) -> datetime:
    """When a line was logged; ``year`` counts where the line, as in older glog, does not tell it.

    Raises:
        ValueError: the line does not begin as glog's do.
    """
    match = HEADER.match(line.strip())
    if match is None:
        raise ValueError(f"expected a line such as 'I0210 13:39:22.381027 25210 solver.cpp:204] ...', found {line!r}")
    own_year, *rest = match.groups()
    month, day, hour, minute, second, microsecond = map(int, rest)
    return datetime(int(own_year or year), month, day, hour, minute, second, microsecond)


def get_log_created_year(input_file: str | os.PathLike[str]) -> int:
    """The year that a log's lines are of, by the time of its file."""
    return datetime.fromtimestamp(os.path.getctime(input_file)).year


def get_start_time(line_iterable: Iterable[str], year: int) -> datetime | None:
    """When the training began: the time of the first line with 'Solving', None where there is none."""
    return next((extract_datetime_from_line(line, year) for line in line_iterable if "Solving" in line), None)


def timed(lines: Iterable[str], start: datetime) -> Iterator[tuple[str, float]]:
    """Each line that tells its time, with the seconds since ``start``; the year goes on at New Year."""
    year, last = start.year, start
    for line in lines:
        try:
            time = extract_datetime_from_line(line, year)
            if time.month < last.month:
                year += 1
                time = extract_datetime_from_line(line, year)
        except ValueError:
            continue
        last = time
        yield line, (time - start).total_seconds()


def open_log(path: str | os.PathLike[str]) -> tuple[list[str], datetime]:
    """The lines of a log from the beginning of its training on, and when that was.

    A training in Python, by ``solver.step``, does not log 'Solving': it begins with its first line about an iteration.

    Raises:
        DataError: no training in it.
        OSError: it cannot be read.
    """
    year = get_log_created_year(path)
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.readlines()
    for sign in ("Solving", "Iteration "):
        for i, line in enumerate(lines):
            if sign in line and HEADER.match(line):
                return lines[i:], extract_datetime_from_line(line, year)
    raise DataError(f"{path}: Start time not found: no line with 'Solving' or 'Iteration', as a training logs them")


def extract_seconds(input_file: str | os.PathLike[str], output_file: str | os.PathLike[str]) -> None:
    """Write the seconds of all lines with 'Iteration' in them.

    Raises:
        DataError, OSError: as ``open_log``, or ``output_file`` cannot be written.
    """
    lines, start = open_log(input_file)
    seconds = [seconds for _, seconds in timed((line for line in lines if "Iteration" in line), start)]
    with atomic_write(output_file) as file:
        file.write("".join(f"{second:f}\n" for second in seconds).encode())


def main() -> int:
    """Returns the exit code."""
    if len(sys.argv) < 3:
        print("Usage: ./extract_seconds input_file output_file")
        return 1
    try:
        extract_seconds(sys.argv[1], sys.argv[2])
    except (CaffeError, OSError) as error:
        print(f"extract_seconds.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
