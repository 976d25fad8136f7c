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

from caffe_lite.commands import Bar

_CLEAR = "\r\x1b[K"
_REDRAW_SECONDS = 0.1
_WINDOW_SECONDS = 20.0  # the rate is that of the last so many seconds


class Screen:
    """Where lines and progress go; threads may write at the same time.

    Args:
        stream: standard error.
        live: whether it is a terminal that a progress line can be drawn on.
    """

    def __init__(
        self, stream: TextIO, live: bool | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb" if live is None else live
        self._clock = clock
        self._bars: list[_Meter] = []
        self._lock = threading.RLock()

    def write(self, text: str) -> None:
        """Write whole lines above the progress line."""
        with self._lock:
            self._stream.write(f"{_CLEAR}{text}{self._line()}" if self._bars else text)
            self._stream.flush()

    def redraw(self) -> None:
        """Draw the progress line anew."""
        with self._lock:
            self._stream.write(_CLEAR + self._line())
            self._stream.flush()

    @contextmanager
    def progress(self, total: float | None, unit: str, label: str = "", start: float = 0) -> Iterator[Bar]:
        """Show how far the block has come; see ``commands.no_progress``. The line goes when it ends."""
        meter = _Meter(self.redraw if self._live else None, self._clock, total, unit, label, start)
        if not self._live:
            yield meter
            return
        self._bars.append(meter)
        try:
            yield meter
        finally:
            self._bars.remove(meter)
            self.redraw()

    def _line(self) -> str:
        return self._bars[-1].line()[: shutil.get_terminal_size().columns - 1] if self._bars else ""


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
    ) -> None:
        self._redraw, self._clock = redraw, clock
        self._total, self._unit, self._label = total, unit, label
        self._done = start
        self._history = deque([(clock(), start)])

    def update(self, count: float = 1) -> None:
        self.at(self._done + count)

    def at(self, done: float) -> None:
        self._done = done
        if self._redraw is None:
            return
        now = self._clock()
        if now - self._history[-1][0] >= _REDRAW_SECONDS:
            self._history.append((now, done))
            while now - self._history[0][0] > _WINDOW_SECONDS and len(self._history) > 2:
                self._history.popleft()
            self._redraw()

    def line(self) -> str:
        (begin, first), (end, last) = self._history[0], self._history[-1]
        rate = (last - first) / (end - begin) if end > begin else 0.0
        scale, unit = _scaled(self._total or self._done, self._unit)
        done = f"{self._done / scale:,.{0 if scale == 1 else 1}f}"
        parts = [self._label] if self._label else []
        if self._total:
            total = f"{self._total / scale:,.{0 if scale == 1 else 1}f}"
            parts += [f"{done}/{total} {unit}", f"{min(int(100 * self._done / self._total), 100)}%"]
        else:
            parts.append(f"{done} {unit}")
        if rate > 0:
            parts.append(f"{_three_digits(rate / scale)} {unit}/s")
            if self._total:
                parts.append(f"{_clock_time(max(self._total - self._done, 0) / rate)} left")
        return "  ".join(parts)


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
