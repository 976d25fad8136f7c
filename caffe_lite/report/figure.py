"""Charts to files: matplotlib without a display, without global state, replaced whole or not at all."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caffe_lite.errors import ParameterError
from caffe_lite.files import atomic_write

FORMATS = ("png", "svg", "pdf", "jpg", "jpeg")
INK, FAINT = "#333333", "#DDDDDD"
STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": FAINT,
    "legend.frameon": False,
    "svg.hashsalt": "caffe_lite",
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is a "$"
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def figure(path: str | os.PathLike[str], width: float, height: float) -> Iterator[Any]:
    """An empty ``matplotlib.figure.Figure`` that is written to ``path`` when the block ends without an error.

    Args:
        width, height: in inches; pictures have 120 pixels an inch.

    Raises:
        ParameterError: the ending of ``path`` is none of ``FORMATS``; raised before the block is run.
        OSError: the file cannot be written.
    """
    format = check_format(path)
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        chart = Figure(figsize=(width, height), dpi=120, layout="constrained")
        yield chart
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        with warnings.catch_warnings(), atomic_write(path) as file:
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # in a name, from the font
            chart.savefig(file, format=format, metadata=undated.get(format))


def check_format(path: str | os.PathLike[str]) -> str:
    """The format that the ending of ``path`` names, or a ``ParameterError`` that lists the known ones."""
    format = Path(path).suffix[1:].lower()
    if format not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise ParameterError(f"{path}: cannot tell the picture's format from its ending; give one of {known}")
    return format
