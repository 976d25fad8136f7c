"""Output that cannot be written: a closed pipe, a terminal that has gone, a full disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class Unheard:
    """Failures to write are raised, as everywhere; but while a long work asks for it they are told to it, and what
    could not be written is dropped.

    Attributes:
        any: whether something was dropped.
    """

    def __init__(self) -> None:
        self.any = False
        self._tell: Callable[[OSError], object] | None = None

    @contextmanager
    def told_to(self, tell: Callable[[OSError], object]) -> Iterator[None]:
        """Call ``tell`` with each failure while the block runs."""
        before, self._tell = self._tell, tell
        try:
            yield
        finally:
            self._tell = before

    def guard(self, write: Callable[[], object]) -> None:
        """Call ``write``, which writes something."""
        try:
            write()
        except OSError as error:
            if self._tell is None:
                raise
            self.any = True
            self._tell(error)


class GuardedStream:
    """What a ``Screen`` needs of a stream."""

    def __init__(self, stream: TextIO, unheard: Unheard) -> None:
        self._stream, self._unheard = stream, unheard

    def write(self, text: str) -> None:
        self._unheard.guard(lambda: self._stream.write(text))

    def flush(self) -> None:
        self._unheard.guard(self._stream.flush)

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
