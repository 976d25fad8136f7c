"""Charts to files: matplotlib without a display, without global state, replaced whole or not at all."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import IO, Any

from caffe_lite.errors import ParameterError
from caffe_lite.files import atomic_write
from caffe_lite.report.colors import EDGE, FAINT, INK, PAPER
from caffe_lite.report.page import page

FORMATS = ("png", "svg", "pdf", "jpg", "jpeg", "html")
STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": EDGE,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": PAPER,
    "grid.color": FAINT,
    "legend.frameon": False,
    "svg.hashsalt": "caffe_lite",
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is a "$"
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def figure(
    path: str | os.PathLike[str],
    width: float,
    height: float,
    title: str = "",
    table: Sequence[Sequence[str]] = (),
    refresh: int = 0,
) -> Iterator[Any]:
    """An empty ``matplotlib.figure.Figure`` that is written to ``path`` when the block ends without an error.

    Args:
        width, height: in inches; pictures have 120 pixels an inch.
        title: written above the chart.
        table, refresh: of an HTML page; see ``page.page``.

    Raises:
        ParameterError: the ending of ``path`` is none of ``FORMATS``; raised before the block is run.
        OSError: the file cannot be written.
    """
    format = check_format(path)
    import matplotlib
    from matplotlib.figure import Figure

    html = format == "html"
    with matplotlib.rc_context({**STYLE, "svg.fonttype": "none" if html else "path"}):
        chart = Figure(figsize=(width, height), dpi=120, layout="constrained")
        yield chart
        if not html and title:
            chart.suptitle(fill(title, int(9 * width)), fontsize=13)
        with warnings.catch_warnings(), atomic_write(path) as file:
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # in a name, from the font
            if html:
                svg = io.BytesIO()
                _save(chart, svg, "svg")
                file.write(page(svg.getvalue().decode(), title, table, refresh).encode())
            else:
                _save(chart, file, format)


def _save(chart: Any, file: IO[bytes], format: str) -> None:
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    chart.savefig(file, format=format, metadata=undated.get(format))


def check_format(path: str | os.PathLike[str]) -> str:
    """The format that the ending of ``path`` names, or a ``ParameterError`` that lists the known ones."""
    format = Path(path).suffix[1:].lower()
    if format not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise ParameterError(f"{path}: cannot tell the picture's format from its ending; give one of {known}")
    return format
