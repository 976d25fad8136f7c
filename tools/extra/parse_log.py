#!/usr/bin/env python3
"""From a training log to two tables, LOG.train and LOG.test, of comma-separated values."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from extract_seconds import open_log, timed

from caffe_lite.errors import CaffeError
from caffe_lite.files import atomic_write

Row: TypeAlias = dict[str, float]
Event: TypeAlias = tuple[str, float, float, float]  # a line, its iteration, seconds and learning rate

ITERATION = re.compile(r"Iteration (\d+)")
RATE = re.compile(r"lr = ([-+]?[0-9]*\.?[0-9]+([eE]?[-+]?[0-9]+)?)")
OUTPUT = r"{} net output #\d+: (\S+) = ([-+]?(?:nan|inf|[\d.][\d.eE+-]*))"


def parse_log(path_to_log: str | os.PathLike[str]) -> tuple[list[Row], list[Row]]:
    """The outputs of the training net and those of the test nets.

    A row holds ``NumIters``, ``Seconds`` since the training began, ``LearningRate`` as last displayed, and each output
    by its blob's name.

    Raises:
        DataError: there is no training in the log.
        OSError: it cannot be read.
    """
    lines, start = open_log(path_to_log)
    events = list(_events(timed(lines, start)))
    train, test = (_rows(events, re.compile(OUTPUT.format(net))) for net in ("Train", "Test"))
    return train, test


def _events(lines: Iterable[tuple[str, float]]) -> Iterator[Event]:
    iteration, rate = -1.0, float("nan")
    for line, seconds in lines:
        if match := ITERATION.search(line):
            iteration = float(match[1])
        if iteration < 0:
            continue
        if match := RATE.search(line):
            rate = float(match[1])
        yield line, iteration, seconds, rate


def _rows(events: Iterable[Event], output: re.Pattern[str]) -> list[Row]:
    """A row for each iteration with outputs; a row is over when it is as long as the first one.

    The learning rate is not known yet at the first of several rows: it gets that of the second.
    """
    rows: list[Row] = []
    row: Row = {}
    for line, iteration, seconds, rate in events:
        if match := output.search(line):
            if row and row["NumIters"] != iteration:
                rows.append(row)
                row = {}
            row = row or {"NumIters": iteration, "Seconds": seconds, "LearningRate": rate}
            try:
                row[match[1]] = float(match[2])
            except ValueError:  # a line cut short
                continue
        if rows and len(row) == len(rows[0]):
            rows.append(row)
            row = {}
    if row and not rows:
        rows = [row]
    if len(rows) > 1:
        rows[0]["LearningRate"] = rows[1]["LearningRate"]
    return rows


def save_csv_files(
    logfile_path: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    train_dict_list: Sequence[Mapping[str, float]],
    test_dict_list: Sequence[Mapping[str, float]],
    delimiter: str = ",",
    verbose: bool = False,
) -> None:
    """Write both tables to ``output_dir``, named as the log with ``.train`` and ``.test`` after it."""
    base = os.path.join(output_dir, os.path.basename(logfile_path))
    write_csv(base + ".train", train_dict_list, delimiter, verbose)
    write_csv(base + ".test", test_dict_list, delimiter, verbose)


def write_csv(
    output_filename: str | os.PathLike[str],
    dict_list: Sequence[Mapping[str, float]],
    delimiter: str,
    verbose: bool = False,
) -> None:
    """Write a table with the names of its columns; an empty one is not written."""
    if not dict_list:
        if verbose:
            print(f"Not writing {output_filename}; no lines to write")
        return
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in dict_list for name in row))
    writer = csv.DictWriter(text, names, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(dict_list)
    with atomic_write(output_filename) as file:
        file.write(text.getvalue().encode())
    if verbose:
        print(f"Wrote {output_filename}")


def parse_args() -> Namespace:
    """The command line, as Caffe's script of this name takes it."""
    parser = ArgumentParser(
        description="Parse a Caffe training log into two CSV files containing training and testing information"
    )
    parser.add_argument("logfile_path", help="Path to log file")
    parser.add_argument("output_dir", help="Directory in which to place output CSV files")
    parser.add_argument("--verbose", action="store_true", help="Print some extra info (e.g., output filenames)")
    parser.add_argument("--delimiter", default=",", help="Column delimiter in output files (default: '%(default)s')")
    args = parser.parse_args()
    if len(args.delimiter) != 1:
        parser.error(f"--delimiter is one character; found {args.delimiter!r}")
    return args


def main() -> int:
    """Returns the exit code."""
    args = parse_args()
    try:
        train, test = parse_log(args.logfile_path)
        save_csv_files(args.logfile_path, args.output_dir, train, test, args.delimiter, args.verbose)
    except (CaffeError, OSError) as error:
        print(f"parse_log.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
