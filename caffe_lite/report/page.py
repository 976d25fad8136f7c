"""A chart as a page of its own: one file that needs no other, light or dark as the reader prefers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from caffe_lite.report.colors import DARK

_NAMES = {color.lower(): f"--c{i}" for i, color in enumerate(DARK)}
_STYLE = """
:root { color-scheme: light dark; %s }
@media (prefers-color-scheme: dark) { :root { %s } }
body { background: var(--c0); color: var(--c1); font: 15px/1.45 system-ui, "DejaVu Sans", Verdana, sans-serif;
       max-width: 76rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; font-weight: 600; margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
svg { display: block; width: 100%%; height: auto; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--c3); text-align: right; }
th { font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
"""


def page(svg: str, title: str, table: Sequence[Sequence[str]] = (), refresh: int = 0) -> str:
    """The page.

    Args:
        svg: the chart as matplotlib writes it; the colours of ``colors.DARK`` in it follow the reader's wish.
        table: rows of text under it, the first of which is the head.
        refresh: after how many seconds a browser loads it anew, 0 for never.
    """
    picture = re.sub(r"#[0-9a-f]{6}\b", lambda found: _variable(found[0]), svg[svg.index("<svg") :])
    picture = re.sub(r'(<svg[^>]*?) width="[^"]*pt"', r"\1", picture, count=1, flags=re.S)
    picture = re.sub(r'(<svg[^>]*?) height="[^"]*pt"', r"\1", picture, count=1, flags=re.S)
    again = f'<meta http-equiv="refresh" content="{refresh}">\n' if refresh else ""
    colors = ["; ".join(f"--c{i}: {color}" for i, color in enumerate(side)) for side in (DARK, DARK.values())]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{again}'
        f"<title>{escape(title)}</title>\n<style>{_STYLE % tuple(colors)}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{picture}\n{_table(table)}</body>\n</html>\n"
    )


def _variable(color: str) -> str:
    return f"var({_NAMES[color]})" if color in _NAMES else color


def _table(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>"
             for tag, row in zip(["th"] + ["td"] * (len(rows) - 1), rows, strict=True)]
    return "<div><table>\n" + "\n".join(lines) + "\n</table></div>\n"
