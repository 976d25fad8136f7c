#!/usr/bin/env python3
"""Plot one quantity of training logs, over iterations or seconds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from log_tables import COLUMNS, read_tables

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.report.charts import CHARTS
from caffe_lite.report.curves import COLORS
from caffe_lite.report.figure import check_format, figure

SEPARATOR = "  vs. "
FEW = 100  # points of a line that are marked


def get_supported_chart_types() -> list[str]:
    """The eight charts, such as 'Test loss  vs. Iters', by their numbers."""
    return [chart.name.replace(" vs. ", SEPARATOR) for chart in CHARTS]


def load_data(chart_type: int, path_to_log: str) -> tuple[list[float], list[float]]:
    """The points of a chart in one log.

    Raises:
        DataError: there are none.
        OSError: the log cannot be read.
    """
    quantity, x = get_supported_chart_types()[chart_type].split(SEPARATOR)
    kind = quantity.split()[0]
    columns = COLUMNS[kind].index(x), COLUMNS[kind].index(quantity)
    rows = [[float(row[column]) for column in columns] for row in read_tables(path_to_log)[kind]]
    if all(value != value for _, value in rows):
        raise DataError(f"{path_to_log}: no {quantity.lower()} in this log")
    return [row[0] for row in rows], [row[1] for row in rows]


def plot_chart(chart_type: int, path_to_png: str, path_to_log_list: Sequence[str]) -> None:
    """Draw a chart of one or more logs.

    Raises:
        CaffeError, OSError: as ``load_data`` and ``report.figure.figure`` raise them.
    """
    check_format(path_to_png)
    lines = {path: load_data(chart_type, path) for path in path_to_log_list}
    title = get_supported_chart_types()[chart_type]
    quantity, x = title.split(SEPARATOR)
    with figure(path_to_png, 8, 6) as chart:
        axes = chart.subplots()
        for i, (path, points) in enumerate(lines.items()):
            marker = "o" if len(points[0]) <= FEW else ""
            label = Path(path).stem.lstrip("_")  # which matplotlib would leave out
            axes.plot(*points, label=label, color=COLORS[i % len(COLORS)], marker=marker, markersize=3)
        axes.legend(loc="lower right" if "accuracy" in quantity else "upper right")
        axes.set(title=title, xlabel=x, ylabel=quantity)


def usage() -> str:
    """How to call this."""
    types = get_supported_chart_types()
    return "\n".join([
        "Usage:",
        f"    ./plot_training_log.py chart_type[0-{len(types) - 1}] /where/to/save.png /path/to/first.log ...",
        "Supported chart types:",
        *(f"    {i}: {name}" for i, name in enumerate(types)),
    ])  # fmt: skip


def main() -> int:
    """Returns the exit code."""
    if len(sys.argv) < 4:
        print(usage())
        return 1
    _, number, picture, *logs = sys.argv
    if number not in map(str, range(len(get_supported_chart_types()))):
        print(f"{number} is not a valid chart type.\n{usage()}")
        return 1
    try:
        plot_chart(int(number), picture, logs)
    except (CaffeError, OSError) as error:
        print(f"plot_training_log.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
