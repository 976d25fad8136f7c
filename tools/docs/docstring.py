"""A docstring of the source as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import NamedTuple

_SECTION = re.compile(r"(?m)^(Raises|Attributes|Args|Returns):\n((?:[ ]+.*\n?|\n)*)")
_ENTRY = re.compile(r"(?m)^ {4}(?=\S)")
_SPAN = re.compile(r"``(.+?)``", re.DOTALL)


class Parts(NamedTuple):
    """A docstring taken apart: its text, where it comes from, and what it raises, each as Markdown."""

    text: str
    source: str
    raises: list[str]


def parts(docstring: str, link: Callable[[str], str] = str) -> Parts:
    """Take a docstring apart.

    Args:
        docstring: as it stands in the source.
        link: what a name in double backticks becomes, for names that have a place of their own; others are code.
    """
    text = inspect.cleandoc(docstring)
    sections = {found[1]: found[2] for found in _SECTION.finditer(text)}
    text = _SECTION.sub("", text)
    body, _, source = text.partition("Source: ")
    raises = [" ".join(entry.split()) for entry in _ENTRY.split(sections.get("Raises", "")) if entry.strip()]
    return Parts(markdown(body.strip(), link), markdown(" ".join(source.split()), link).rstrip("."),
                 [markdown(entry, link) for entry in raises])


def markdown(text: str, link: Callable[[str], str] = str) -> str:
    """Code stays code; what Markdown would take for its own elsewhere is escaped."""
    pieces = _SPAN.split(text)
    for i, piece in enumerate(pieces):
        if i % 2:
            name = " ".join(piece.split())
            linked = link(name)
            pieces[i] = linked if linked != name else f"`{name}`"
        else:
            pieces[i] = re.sub(r"([*_<>\[\]])", r"\\\1", piece)
    return "".join(pieces)
