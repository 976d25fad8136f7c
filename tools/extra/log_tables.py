#!/usr/bin/env python3
"""From a training log to two tables, LOG.train and LOG.test, in aligned columns; what ``parse_log.sh`` runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from extract_seconds import open_log, timed

from caffe_lite.errors import CaffeError
from caffe_lite.files import atomic_write
from caffe_lite.report.log import ITERATION, LOSS, OUTPUT, RATE, TESTING

COLUMNS = {
    "Train": ("Iters", "Seconds", "Train loss", "Train learning rate"),
    "Test": ("Iters", "Seconds", "Test accuracy", "Test loss"),
}
HEADS = {
    "Train": "#Iters Seconds TrainingLoss LearningRate",
    "Test": "#Iters Seconds TestAccuracy TestLoss",
}
NONE = "nan"

Rows: TypeAlias = list[list[str]]


def read_tables(path: str | os.PathLike[str]) -> dict[str, Rows]:
    """What a log says: by ``Train`` and ``Test``, which is the first test net, rows as ``COLUMNS`` has them.

    Values are as in the log, and ``nan`` where they are not. Test accuracy is the net's first output that is no loss,
    test loss its first that is one.

    Raises:
        DataError: there is no training in it.
        OSError: it cannot be read.
    """
    lines, start = open_log(path)
    train: Rows = []
    test: Rows = []
    net = 0
    for line, seconds in timed(lines, start):
        found = ITERATION.search(line)
        begin = [found[1] if found else "", f"{seconds:f}", NONE, NONE]
        if match := TESTING.search(line):
            net = int(match[1])
            if net == 0:
                test.append(begin)
        elif match := LOSS.search(line):
            train.append([*begin[:2], match[1], train[-1][3] if train else NONE])
        elif (match := RATE.search(line)) and train:
            train[-1][3] = match[1]
        elif (match := OUTPUT.search(line)) and match[1] == "Test" and net == 0 and test:
            column = 3 if match[5] else 2
            if test[-1][column] == NONE:
                test[-1][column] = match[4]
    return {"Train": train, "Test": test}


def aligned(head: str, rows: Sequence[Sequence[str]]) -> str:
    """A table as text: its head, and columns two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join([head, *lines]) + "\n"


def write_tables(path: str | os.PathLike[str], tables: Mapping[str, Rows]) -> None:
    """Write ``LOG.train`` and ``LOG.test`` into the working folder."""
    for kind, rows in tables.items():
        with atomic_write(f"{os.path.basename(path)}.{kind.lower()}") as file:
            file.write(aligned(HEADS[kind], rows).encode())


def main() -> int:
    """Returns the exit code."""
    if len(sys.argv) != 2:
        print("Usage parse_log.sh /path/to/your.log")
        return 1
    try:
        write_tables(sys.argv[1], read_tables(sys.argv[1]))
    except (CaffeError, OSError) as error:
        print(f"parse_log.sh: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
