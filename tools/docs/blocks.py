"""The code blocks of a Markdown page."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"(```+|~~~+) *(\w*)")
_NOTE = re.compile(r"<!-- (.*?) -->")


@dataclass(frozen=True)
class Block:
    """One of them.

    Attributes:
        line: where its first line of code stands, from 1.
        language: what stands behind the fence; empty for blocks that are only indented.
        note: the HTML comment in the line before it.
    """

    line: int
    language: str
    text: str
    note: str

    @property
    def not_run(self) -> str:
        """Why nobody can run it here, or nothing."""
        return self.note.removeprefix("not run: ") if self.note.startswith("not run: ") else ""


def blocks(page: str) -> Iterator[Block]:
    """The blocks, in their order: fenced, or indented by four spaces below an empty line."""
    lines = page.splitlines()
    i, note = 0, ""
    while i < len(lines):
        if fence := _FENCE.match(lines[i]):
            end = next(j for j in range(i + 1, len(lines)) if lines[j].startswith(fence[1]))
            yield Block(i + 2, fence[2], "\n".join(lines[i + 1: end]) + "\n", note)
            i = end + 1
        elif lines[i].startswith("    ") and (not i or not lines[i - 1].strip()):
            end = next((j for j in range(i, len(lines)) if lines[j].strip() and not lines[j].startswith("    ")),
                       len(lines))
            text = "\n".join(line[4:] for line in lines[i:end]).rstrip() + "\n"
            yield Block(i + 1, "", text, note)
            i = end
        else:
            if lines[i].strip():
                found = _NOTE.fullmatch(lines[i].strip())
                note = found[1] if found else ""
            i += 1
            continue
        note = ""


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a shell block; pipes, ``&&`` and redirections end one."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        words: list[str] = []
        for word in _words(line):
            if re.fullmatch(r"[|&;<>]+", word):
                yield words
                words = []
            else:
                words.append(word)
        yield words


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    return list(lexer)


def caffe_lite_arguments(words: list[str]) -> list[str] | None:
    """What comes behind ``caffe_lite`` in a command, past ``NAME=value`` and ``mpirun``; None for other commands."""
    i = 0
    while i < len(words) and (re.match(r"[A-Z_]+=", words[i]) or words[i] == "time"):
        i += 1
    if words[i: i + 1] == ["mpirun"] and "caffe_lite" in words:
        i = words.index("caffe_lite")
    return words[i + 1:] if words[i: i + 1] == ["caffe_lite"] else None
