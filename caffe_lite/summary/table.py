"""A summary as text as wide as the terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from caffe_lite.summary.rows import Row, Shape, total

_NUMBERS = ("parameters", "multiply_adds", "memory")
_HEADS = ("layer", "type", "output", "parameters", "multiply-adds", "memory", "notes", "weights")
_RIGHT = frozenset(("parameters", "multiply-adds", "memory"))
_WORDS = frozenset(("layer", "type", "notes", "weights"))
_LEAST = 8  # columns of words are not cut below


def as_text(title: str, rows: Sequence[Row], width: int | None) -> str:
    """A table of at most ``width`` columns: long words are cut, and then the last columns left out."""
    heads, lines = _cells(rows)
    widths = [max(len(line[j]) for line in (heads, *lines)) for j in range(len(heads))]
    if width is not None:
        _narrow(widths, heads, width)
        heads, lines = heads[: len(widths)], [line[: len(widths)] for line in lines]
    rule = "  ".join("-" * w for w in widths)
    body = [_line(line, heads, widths) for line in (heads, *lines)]
    return "\n".join([title, body[0], rule, *body[1:-1], rule, body[-1]]) + "\n"


def as_markdown(title: str, rows: Sequence[Row]) -> str:
    """A table for a README."""
    heads, lines = _cells(rows)
    marks = ["---:" if head in _RIGHT else "---" for head in heads]
    body = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in (heads, marks, *lines)]
    return "\n".join([f"**{title}**", "", *body]) + "\n"


def as_json(name: str, state: str, rows: Sequence[Row], extra: Sequence[str]) -> str:
    """All numbers, those that nobody knows as null."""
    layers: list[dict[str, Any]] = []
    for row in rows:
        tops = [{"name": top, "shape": None if shape is None else list(shape)} for top, shape in row.tops]
        layers.append({"name": row.name, "type": row.type, "tops": tops, **{key: getattr(row, key) for key in _NUMBERS},
                       "notes": row.notes, **({"weights": row.weights} if row.weights else {})})
    totals = {key: value if known else None for key in _NUMBERS for value, known in [total(rows, key)]}
    result = {"name": name, "state": state, "layers": layers, "totals": totals}
    return json.dumps({**result, **({"only_in_weights": list(extra)} if extra else {})}, indent=1) + "\n"


def _cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Heads and lines, the last of them the totals; columns that say nothing are left out."""
    lines = [[row.name, row.type, _shapes(row), *(_number(getattr(row, key), key) for key in _NUMBERS),
              ", ".join(row.notes), row.weights] for row in rows]
    sums = [(key, *total(rows, key)) for key in _NUMBERS]
    lines.append([f"{len(rows)} layers", "", "", *(f"{'' if known else '> '}{_number(value, key) or 0}"
                                                   for key, value, known in sums), "", ""])
    used = [j for j in range(len(_HEADS)) if j < 6 or any(line[j] for line in lines)]
    return [_HEADS[j] for j in used], [[line[j] for j in used] for line in lines]


def _shapes(row: Row) -> str:
    return " ".join(_shape(shape) for _, shape in row.tops)


def _shape(shape: Shape) -> str:
    if shape is None:
        return "?"
    return "x".join("?" if size is None else str(size) for size in shape) or "1"


def _number(value: int | None, key: str) -> str:
    if value is None:
        return "?"
    if not value:
        return ""
    return f"{value:,}" if key != "memory" else _bytes(value)


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _narrow(widths: list[int], heads: Sequence[str], width: int) -> None:
    """Make columns of words narrower, the widest first, until the table fits; then drop columns from the right."""
    while sum(widths) + 2 * (len(widths) - 1) > width:
        words = [j for j in range(len(widths)) if heads[j] in _WORDS and widths[j] > _LEAST]
        if words:
            widths[max(words, key=lambda j: widths[j])] -= 1
        elif len(widths) > 1:
            widths.pop()
        else:
            return


def _line(cells: Sequence[str], heads: Sequence[str], widths: Sequence[int]) -> str:
    shown = []
    for cell, head, width in zip(cells, heads, widths, strict=True):
        if len(cell) > width:
            keep = width - 1
            cell = f"{cell[: keep - keep // 2]}…{cell[len(cell) - keep // 2 :]}"
        shown.append(cell.rjust(width) if head in _RIGHT else cell.ljust(width))
    return "  ".join(shown).rstrip()
