"""A finding: what is wrong, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from caffe_lite.errors import CaffeError, DataError, DependencyError, GraphError, ParameterError, ShapeError
from caffe_lite.schema.lexer import Source

ERROR, WARNING = "error", "warning"
CODES = {GraphError: "graph", ParameterError: "parameter", ShapeError: "shape", DataError: "data",
         DependencyError: "dependency"}
"""What kind of problem an exception of the engine tells of."""
_REMEDIES = {
    "graph": "look at the layer's type, bottoms and tops",
    "parameter": "give a value that the layer can work with, or leave the field out for the default",
    "shape": "compare the shapes of the blobs that the layer takes: `caffe_lite summary` shows all of them",
    "data": "make or fetch the data again",
}
_KNOWN_TYPES = re.compile(r"[;.?]? *known types: .*", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """One problem at one place.

    Attributes:
        severity: ``error``, what keeps a net from being built or a training from starting, or ``warning``.
        code: the kind of problem, one word.
        message, remedy: what is wrong, and what to do.
        source, offset: the text and the character in it.
        layer: the layer's name, where it is about one.
    """

    severity: str
    code: str
    message: str
    remedy: str
    source: Source
    offset: int
    layer: str = ""

    @property
    def line(self) -> int:
        """Counted from one."""
        return self.source.text.count("\n", 0, self.offset) + 1

    @property
    def column(self) -> int:
        """Counted from one."""
        return self.offset - self.source.text.rfind("\n", 0, self.offset)


def wording(error: CaffeError | MemoryError) -> tuple[str, str, str]:
    """Code, message and remedy of an exception of the engine, which tells the remedy after its last semicolon."""
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), "setup")
    text = _KNOWN_TYPES.sub(lambda match: match[0][0].strip("; "), str(error)) or "out of memory"
    message, _, remedy = text.rpartition("; ")
    return code, message or text, remedy if message else _REMEDIES.get(code, "")


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, file by file, from top to bottom; of several with one message at one place the first."""
    once = {(finding.source.name, finding.offset, finding.code, finding.layer, finding.message): finding
            for finding in reversed(list(findings))}
    files = {finding.source.name: i for i, finding in reversed(list(enumerate(reversed(once.values()))))}
    return sorted(once.values(), key=lambda finding: (files[finding.source.name], finding.offset, finding.severity))
