"""What the comments in proto/*.proto say of fields and of enums' values."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TypeAlias

from caffe_lite.schema.messages import ADDITIONS

ROOT = Path(__file__).resolve().parents[2]
Comments: TypeAlias = dict[tuple[str, str], str]
_OPEN = re.compile(r"(message|enum) (\w+) \{")
_FIELD = re.compile(r"(?:optional|repeated|required) [\w.]+ (\w+) = |(\w+) = \d+;")


@cache
def comments() -> Comments:
    """By message and name: the comment before a field or behind it; an enum's values count as fields of its message."""
    found: Comments = {}
    for name in ("caffe", "forks"):
        found |= read_comments((ROOT / "proto" / f"{name}.proto").read_text("utf-8"))
    return found


def read_comments(text: str) -> Comments:
    """The comments in the text of one file."""
    found: Comments = {}
    scopes: list[tuple[str, str]] = []
    above: list[str] = []
    for line in map(str.strip, text.splitlines()):
        code, slashes, comment = line.partition("//")
        if slashes and not code:
            above.append(comment.strip())
            continue
        if opened := _OPEN.match(code):
            scopes.append((opened[1], opened[2].removesuffix(ADDITIONS)))
        elif code.startswith("}"):
            scopes.pop()
        elif field := _FIELD.match(code):
            message = next((name for kind, name in reversed(scopes) if kind == "message"), "")
            said = " ".join([*above, comment.strip()]).strip()
            if said:
                found[message, field[1] or field[2]] = said
        above = []
    return found
