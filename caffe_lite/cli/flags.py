"""Flags as gflags reads them.

``-name`` and ``--name`` are the same; a value follows after ``=`` or as the next word; ``--name`` and
``--noname`` set a bool; flags and other words mix; ``--`` ends the flags; ``--flagfile=FILE`` reads more of
them, one a line. The last of several values counts. What is accepted and what the errors say is that of
gflags 2.2 (``gflags.cc``), except that a mistake inside a flag file is an error too, not passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import SimpleNamespace

from caffe_lite.cli.values import Value, convert, type_name
from caffe_lite.commands import Flag
from caffe_lite.errors import FlagError

FLAGFILE = Flag("flagfile", "", "load flags from file")
HELP = (
    Flag("help", False, "show help on all flags"),
    Flag("helpshort", False, "show help on the command's own flags only"),
    Flag("version", False, "show version and exit"),
    FLAGFILE,
)


def parse(
    argv: Sequence[str], flags: Iterable[Flag], stop_at_word: bool = False
) -> tuple[SimpleNamespace, list[str]]:
    """The flags' values, as attributes, and the other words in their order.

    Args:
        argv: the words after the program's name.
        flags: what may be given; ``--flagfile`` may be given always.
        stop_at_word: read flags up to the first other word; all from there on is returned untouched.

    Raises:
        FlagError: with one line for each mistake, worded as gflags words it.
    """
    reader = _Reader(flags)
    words = reader.read(argv, stop_at_word)
    if reader.errors:
        raise FlagError("\n".join(reader.errors))
    return SimpleNamespace(**reader.values), words


class _Reader:
    """What has been read so far: values, and the mistakes found, so that all are told at once."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        self.known = {flag.name: flag for flag in (*flags, FLAGFILE)}
        self.values: dict[str, Value] = {flag.name: flag.default for flag in self.known.values()}
        self.errors: list[str] = []
        self._open_files: list[Path] = []

    def read(self, argv: Sequence[str], stop_at_word: bool) -> list[str]:
        """Take the flags out of ``argv``; the other words are returned."""
        others: list[str] = []
        rest = iter(argv)
        for word in rest:
            if not word.startswith("-") or word == "-":
                others.append(word)
                if stop_at_word:
                    break
                continue
            if word == "--":
                break
            flag, text = self._split(word)
            if flag is None:
                continue
            if text is None and (text := next(rest, None)) is None:
                about = f"; flag description: {flag.help}"
                self.errors.append(f"ERROR: flag '{word}' is missing its argument{about}")
                break
            self._set(flag, text)
        return [*others, *rest]

    def _split(self, word: str) -> tuple[Flag | None, str | None]:
        """The flag that a word names, and its value where the word holds or implies one."""
        name, equals, text = word[2 if word.startswith("--") else 1 :].partition("=")
        flag = self.known.get(name)
        if flag is not None:
            return flag, text if equals else "1" if type(flag.default) is bool else None
        negated = self.known.get(name[2:]) if name.startswith("no") else None
        if negated is not None and type(negated.default) is bool:
            return negated, "0"
        if negated is not None:
            self.errors.append(
                f"ERROR: boolean value ({name}) specified for {type_name(negated)} command line flag"
            )
        else:
            close = get_close_matches(name, self.known, 3)
            hint = f"; did you mean {' or '.join('--' + c for c in close)}?" if close else ""
            self.errors.append(f"ERROR: unknown command line flag '{name}'{hint}")
        return None, None

    def _set(self, flag: Flag, text: str) -> None:
        try:
            self.values[flag.name] = convert(flag, text)
        except FlagError as error:
            self.errors.append(str(error))
        else:
            if flag is FLAGFILE:
                for path in filter(None, text.split(",")):
                    self._read_file(Path(path))

    def _read_file(self, path: Path) -> None:
        if path in self._open_files:
            self.errors.append(f"ERROR: flag file '{path}' loads itself")
            return
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            self.errors.append(f"ERROR: flag file '{path}': {reason}")
            return
        self._open_files.append(path)
        for number, line in enumerate(map(str.strip, lines), 1):
            before = len(self.errors)
            if line and not line.startswith("#"):
                self._read_line(line)
            self.errors[before:] = [f"{error} ({path}:{number})" for error in self.errors[before:]]
        self._open_files.pop()

    def _read_line(self, line: str) -> None:
        if not line.startswith("-") or not line.strip("-"):
            self.errors.append(f"ERROR: '{line}' is no flag: write --flag=value")
            return
        flag, text = self._split(line)
        if flag is not None and text is None:
            self.errors.append(f"ERROR: flag '{line}' is missing its argument; write --flag=value")
        elif flag is not None and text is not None:
            self._set(flag, text)
