"""A prototxt as checks see it: the message, and the place of every field."""

from __future__ import annotations

import re
from typing import Any

from caffe_lite import schema
from caffe_lite.check.finding import ERROR, Finding
from caffe_lite.schema.paths import load_text
from caffe_lite.schema.tolerant import Path, read_tolerantly

_VAGUE = frozenset(("axis", "blobs", "include", "param", "phase", "shape"))
"""Names of fields that messages also use as words: they are looked for last."""
_PROSE = _VAGUE | {"bottom", "layer", "name", "top", "type"}
_WORD = re.compile(r"'([^']+)'|([a-z][a-z0-9]*(?:_[a-z0-9]+)*)")
_VALUE = re.compile(r'"([^"]+)"')
_REMEDY = re.compile(r"(.*?[.?!`])( (?:Did you mean|Is |Remove|Write|Give|It (?:belongs|is a)|A type).*)", re.DOTALL)


class Document:
    """A prototxt file.

    Args:
        path: the file; it may hold mistakes.
        cls: what it is a message of.

    Raises:
        SchemaError: the file cannot be read, or is no text.
    """

    def __init__(self, path: str, cls: type[Any]) -> None:
        self.path = path
        self.reading = read_tolerantly(load_text(path, cls.__name__), cls, path)
        self.message = self.reading.message
        self.source = self.reading.source
        self._inside: dict[Path, list[Path]] = {}
        for way in self.reading.places:
            for length in range(len(way)):
                self._inside.setdefault(way[:length], []).append(way)

    def offset(self, way: Path) -> int:
        """Where a field stands, or the innermost one around it that is there."""
        while way and way not in self.reading.places:
            way = way[:-1]
        return self.reading.places.get(way, 0)

    def offset_of(self, way: Path, text: str, layer: Any = None) -> int:
        """Where the field inside ``way`` stands that a message speaks of: the first that is named in it.

        Args:
            layer: the layer that ``way`` leads to; its bottoms and tops may be meant by their names.
        """
        inside = {field[-1][0]: field for field in reversed(self._inside.get(way, []))}
        blobs = {name: (kind, i) for kind in ("top", "bottom") if layer is not None
                 for i, name in enumerate(getattr(layer, kind))}
        words = [match.groups() for match in _WORD.finditer(text)]
        for quoted, word in words:
            if word in inside and word not in _PROSE:
                return self.offset(inside[word])
            if quoted in blobs:
                return self.offset((*way, blobs[quoted]))
        for word in _VALUE.findall(text):
            value = re.compile(rf"\w+\s*:?\s*[\"']{re.escape(word)}[\"']")
            for field in self._inside.get(way, []):
                if value.match(self.source.text, self.offset(field)):
                    return self.offset(field)
        if "layer type" in text and "type" in inside:
            return self.offset(inside["type"])
        for _, word in words:
            if word in inside and word in _VAGUE:
                return self.offset(inside[word])
        return self.offset(way)

    @property
    def is_unreadable(self) -> bool:
        """Whether it is not even sure where its layers begin and end."""
        return () in self.reading.broken

    def is_broken(self, way: Path) -> bool:
        """Whether a mistake in the text lies in this field, so that nothing can be said of it."""
        return way[:1] in self.reading.broken

    def mistakes(self) -> list[Finding]:
        """What is no prototxt, or has fields that nobody knows."""
        found = []
        for mistake in self.reading.mistakes:
            match = _REMEDY.fullmatch(mistake.problem)
            message, remedy = match.groups() if match else (mistake.problem, "")
            found.append(Finding(ERROR, "syntax", message, remedy.strip(), self.source, mistake.offset))
        return found


def read_document(path: str) -> Document:
    """A file that holds a net or a solver, whichever its fields make more sense as.

    Raises:
        SchemaError: the file cannot be read, or is no text.
    """
    kinds = [Document(path, schema.NetParameter), Document(path, schema.SolverParameter)]
    return min(kinds, key=lambda document: len(document.reading.mistakes))
