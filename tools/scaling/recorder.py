"""When things begin and end in a training, seen from outside: functions are wrapped, and know nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Something that was done: what, which one, and the seconds of its begin and end on the machine's clock."""

    kind: str
    which: int
    begin: float
    end: float


class Recorder:
    """Keeps what wrapped functions do.

    Attributes:
        spans: in the order of their ends.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def note(self, kind: str, which: int) -> None:
        """Record something that has lasted since the last thing that was recorded."""
        self.spans.append(Span(kind, which, self.spans[-1].end, perf_counter()))

    def wrap(self, owner: Any, name: str, kind: str, which: Callable[..., int] = lambda *_: 0) -> None:
        """Record every call of ``owner.name``; ``which`` of its arguments is the number of what it is done with."""
        function = getattr(owner, name)

        def recorded(*args: Any, **kwargs: Any) -> Any:
            begin = perf_counter()
            result = function(*args, **kwargs)
            self.spans.append(Span(kind, which(*args), begin, perf_counter()))
            return result

        setattr(owner, name, recorded)
