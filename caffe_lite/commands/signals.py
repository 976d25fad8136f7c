"""Ctrl-C and SIGHUP as requests to the solver.

Source: ``signal_handler.cpp``, which a second Ctrl-C cannot interrupt either; here it ends the process.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from caffe_lite.errors import FlagError

if TYPE_CHECKING:
    from caffe_lite.solvers import Action

EFFECTS = ("stop", "snapshot", "none")


class Requests:
    """What signals have asked for since the solver last looked.

    Args:
        sigint: the effect of SIGINT, one of ``EFFECTS``.
        sighup: the effect of SIGHUP.

    Raises:
        FlagError: an effect is none of these.
    """

    def __init__(self, sigint: str, sighup: str) -> None:
        for effect in (sigint, sighup):
            if effect not in EFFECTS:
                raise FlagError(f'Invalid signal effect "{effect}" was specified; give {", ".join(EFFECTS)}')
        self._sigint, self._sighup = sigint, sighup
        self._got_sigint = self._got_sighup = self._stopping = False

    def action(self) -> Action:
        """What to do next; SIGHUP goes first, and asking takes the request away."""
        from caffe_lite.solvers import Action

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
        handlers: dict[int, Any] = {signal.SIGINT: self._on_sigint}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._on_sighup
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_sigint(self, number: int, frame: object) -> None:
        if self._stopping:
            raise KeyboardInterrupt
        self._stopping = self._sigint == "stop"
        self._got_sigint = True

    def _on_sighup(self, number: int, frame: object) -> None:
        self._got_sighup = True
