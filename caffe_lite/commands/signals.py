"""Ctrl-C, SIGHUP, SIGTERM and output that nobody reads any more, as requests to the solver.

Source: ``signal_handler.cpp``, which a second Ctrl-C cannot interrupt either; here it ends the process. SIGTERM, which
ends a Caffe at once, is what schedulers send before they kill.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import FlagError

if TYPE_CHECKING:
    from caffe_lite.solvers import Action

EFFECTS = ("stop", "snapshot", "none")
TERMINATED = 143  # 128 + SIGTERM, as a shell has it
BROKEN_PIPE = 141  # 128 + SIGPIPE


class Requests:
    """What signals have asked for since the solver last looked.

    Args:
        sigint: the effect of SIGINT, one of ``EFFECTS``.
        sighup: the effect of SIGHUP.

    Attributes:
        echo: seconds in which a signal that comes once more is the same, which several programs have handed on.
        exit_code: what to end with if the solver has left because somebody asked it to.

    Raises:
        FlagError: an effect is none of these.
    """

    def __init__(self, sigint: str, sighup: str) -> None:
        for effect in (sigint, sighup):
            if effect not in EFFECTS:
                raise FlagError(f'Invalid signal effect "{effect}" was specified; give {", ".join(EFFECTS)}')
        self._sigint, self._sighup = sigint, sighup
        self._got_sigint = self._got_sighup = self._stopping = self._leave = False
        self._first_time = self.echo = 0.0
        self.exit_code = 0

    def action(self) -> Action:
        """What to do next: leaving goes first, then SIGHUP, and asking takes the request away."""
        from caffe_lite.solvers import Action

        if self._leave:
            self._leave = False
            return Action.LEAVE
        if self._got_sighup:
            self._got_sighup = False
            return Action[self._sighup.upper()]
        if self._got_sigint:
            self._got_sigint = False
            return Action[self._sigint.upper()]
        return Action.NONE

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Receive signals while the block runs; afterwards they do what they did before."""
        handlers: dict[int, Any] = {signal.SIGINT: self._on_sigint, signal.SIGTERM: self._on_sigterm}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._on_sighup
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_lost_output(self, error: OSError) -> None:
        """Leave with a snapshot when the reader of a pipe has gone, as it was told to end; whoever has closed the
        terminal, or filled the disk that the log is on, has not asked for that."""
        if isinstance(error, BrokenPipeError) and not self.exit_code:
            self._leave, self.exit_code = True, BROKEN_PIPE

    def _on_sigint(self, number: int, frame: object) -> None:
        if self._stopping and not self._is_echo():
            raise KeyboardInterrupt
        self._first_time = time.monotonic()
        self._stopping = self._sigint == "stop"
        self._got_sigint = True

    def _on_sigterm(self, number: int, frame: object) -> None:
        if self.exit_code == TERMINATED:
            if self._is_echo():
                return
            raise SystemExit(TERMINATED)
        self._first_time = time.monotonic()
        self._leave, self.exit_code = True, TERMINATED

    def _is_echo(self) -> bool:
        return time.monotonic() - self._first_time < self.echo

    def _on_sighup(self, number: int, frame: object) -> None:
        self._got_sighup = True
