"""Standard error as a screen: lines that scroll and, on a terminal, one progress line below them."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from caffe_lite.cli.unheard import GuardedStream
from caffe_lite.commands import Bar

_BEGIN, _CLEAR, _CLEAR_BELOW = "\r", "\x1b[K", "\x1b[J"
_COLOR, _PLAIN = "\x1b[36m", "\x1b[0m"  # cyan: the log's lines have none
_REDRAW_SECONDS = 0.1
_WINDOW_SECONDS = 20.0  # the rate is that of the last so many seconds


class Screen:
    """Where lines and progress go; threads may write at the same time.

    Each line and each drawing is one write, over what stood there, so that nothing flickers.

    Args:
        stream: standard error.
        live: whether it is a terminal that a progress line can be drawn on.
    """

    def __init__(
        self, stream: TextIO | GuardedStream, live: bool | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb" if live is None else live
        self._color = not os.environ.get("NO_COLOR")
        self._clock = clock
        self._bars: list[_Meter] = []
        self._drawn = 0  # columns of the progress line as it stands there
        self._lock = threading.RLock()

    def write(self, text: str) -> None:
        """Write whole lines above the progress line."""
        with self._lock:
            self._stream.write(f"{self._erase()}{text}{self._line()}" if self._bars else text)
            self._stream.flush()

    def redraw(self) -> None:
        """Draw the progress line anew."""
        with self._lock:
            self._stream.write(self._back() + self._line() + _CLEAR if self._bars else self._erase())
            self._stream.flush()

    @contextmanager
    def progress(
        self, total: float | None, unit: str, label: str = "", start: float = 0, note: Callable[[], str] = lambda: ""
    ) -> Iterator[Bar]:
        """Show how far the block has come; see ``commands.no_progress``. The line goes when it ends."""
        meter = _Meter(self.redraw if self._live else None, self._clock, total, unit, label, start, note)
        if not self._live:
            yield meter
            return
        self._bars.append(meter)
        try:
            self.redraw()
            yield meter
        finally:
            self._bars.remove(meter)
            self.redraw()

    def _line(self) -> str:
        """The line of the innermost progress, with what it takes to colour it."""
        line = self._bars[-1].line(self._columns())
        self._drawn = len(line)
        return f"{_COLOR}{line}{_PLAIN}" if self._color else line

    def _columns(self) -> int:
        """How many there are now, but the last: some terminals break the line after it."""
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:  # no terminal
            size = shutil.get_terminal_size()
        return max(size.columns - 1, 1)

    def _back(self) -> str:
        """To the first column of the progress line; a terminal that has become narrower has broken it into rows."""
        rows = max(self._drawn - 1, 0) // (self._columns() + 1)
        return f"{_BEGIN}\x1b[{rows}A{_CLEAR_BELOW}" if rows else _BEGIN

    def _erase(self) -> str:
        back, self._drawn = self._back(), 0
        return back + _CLEAR


class _Meter:
    """Counts, and knows the rate and the time left."""

    def __init__(
        self,
        redraw: Callable[[], None] | None,
        clock: Callable[[], float],
        total: float | None,
        unit: str,
        label: str,
        start: float,
        note: Callable[[], str],
    ) -> None:
        self._redraw, self._clock = redraw, clock
        self._total, self._unit, self._label, self._note = total, unit, label, note
        self._done = start
        self._shown = clock()
        self._history = deque([(self._shown, start)])

    def update(self, count: float = 1) -> None:
        self.at(self._done + count)

    def at(self, done: float) -> None:
        self._done = done
        if self._redraw is None:
            return
        now = self._clock()
        if now - self._shown >= _REDRAW_SECONDS:
            self._shown = now
            if done > self._history[-1][1]:  # in a pause, such as a test, the rate stays what it was
                self._history.append((now, done))
                while now - self._history[0][0] > _WINDOW_SECONDS and len(self._history) > 2:
                    self._history.popleft()
            self._redraw()

    def line(self, columns: int) -> str:
        """The line with as much as fits, what matters least left out first."""
        (begin, first), (end, last) = self._history[0], self._history[-1]
        rate = (last - first) / (end - begin) if end > begin else 0.0
        scale, unit = _scaled(self._total or self._done, self._unit)
        done = f"{self._done / scale:,.{0 if scale == 1 else 1}f}"
        parts = [(3, self._label)]  # the lower the number, the longer it stays
        if self._total:
            total = f"{self._total / scale:,.{0 if scale == 1 else 1}f}"
            parts += [(0, f"{done}/{total} {unit}"), (5, f"{min(int(100 * self._done / self._total), 100)}%")]
        else:
            parts.append((0, f"{done} {unit}"))
        parts.append((1, self._note()))
        if rate > 0:
            parts.append((4, f"{_three_digits(rate / scale)} {unit}/s"))
            if self._total:
                parts.append((2, f"{_clock_time(max(self._total - self._done, 0) / rate)} left"))
        parts = [part for part in parts if part[1]]
        while len(line := "  ".join(text for _, text in parts)) > columns and len(parts) > 1:
            parts.remove(max(parts))
        return line[:columns]


def _scaled(size: float, unit: str) -> tuple[float, str]:
    if unit != "B" or size < 1000:
        return 1, unit
    return (1e6, "MB") if size >= 1e6 else (1e3, "kB")


def _three_digits(number: float) -> str:
    return f"{number:,.{0 if number >= 100 else 1 if number >= 10 else 2}f}"


def _clock_time(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
