"""Findings as text for people, and as JSON for editors."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from caffe_lite.check.finding import ERROR, Finding

_SHOWN = 110
_COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;35m", "bold": "\x1b[1m", "place": "\x1b[32m"}
_TOKEN = re.compile(r"[\w.]+|\"[^\"\n]*\"|'[^'\n]*'|.")


def as_text(findings: Sequence[Finding], files: Sequence[str], colour: bool = False) -> str:
    """Each finding with its line and a caret, and how many there are."""
    shown = "".join(f"{one_as_text(finding, colour)}\n" for finding in findings)
    errors = sum(finding.severity == ERROR for finding in findings)
    counts = [_counted(errors, "error"), _counted(len(findings) - errors, "warning")]
    return f"{shown}{', '.join(filter(None, counts)) or 'no problems'} in {' and '.join(files)}\n"


def one_as_text(finding: Finding, colour: bool = False) -> str:
    """``file:line:column: error: message [code]``, the line, a caret, and the remedy."""
    def painted(text: str, name: str) -> str:
        return f"{_COLOURS[name]}{text}\x1b[0m" if colour else text

    place = f"{finding.source.name}:" + (f"{finding.line}:{finding.column}:" if finding.source.text else "")
    head = f"{painted(place, 'bold')} {painted(f'{finding.severity}:', finding.severity)} {finding.message}"
    lines = [f"{head} [{finding.code}]"]
    if finding.source.text:
        line, margin, width = _excerpt(finding)
        number = f"{finding.line:5}"
        lines += [f"{number} | {line}", f"{' ' * len(number)} | {margin}{painted('^' + '~' * (width - 1), 'place')}"]
    if finding.remedy:
        lines.append(f"      = {painted('remedy:', 'bold')} {finding.remedy}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects: file, line, column (from 1), severity, code, message, remedy, layer."""
    return json.dumps([
        {"file": finding.source.name, "line": finding.line, "column": finding.column, "severity": finding.severity,
         "code": finding.code, "message": finding.message, "remedy": finding.remedy, "layer": finding.layer}
        for finding in findings], indent=1) + "\n"


def _excerpt(finding: Finding) -> tuple[str, str, int]:
    """The line, cut where it is long, the white space before the caret, and the width of what it points at."""
    text, offset = finding.source.text, finding.offset
    start = text.rfind("\n", 0, offset) + 1
    line = text[start:].partition("\n")[0].rstrip().expandtabs(1)
    column = offset - start
    cut = max(0, column - _SHOWN // 2)
    match = _TOKEN.match(line, column)
    width = max(1, match.end() - column) if match else 1
    return line[cut : cut + _SHOWN], " " * (column - cut), min(width, _SHOWN)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}" if count else ""
