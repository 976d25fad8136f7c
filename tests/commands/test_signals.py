"""Ctrl-C and SIGHUP become requests to the solver."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from caffe_lite.commands.signals import Requests
from caffe_lite.errors import FlagError
from caffe_lite.solvers import Action

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("effect", "action"), [("stop", Action.STOP), ("snapshot", Action.SNAPSHOT), ("none", Action.NONE)]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_each_signal_has_its_effect_once(number: int, effect: str, action: Action) -> None:
    other = "stop" if effect == "snapshot" else "snapshot"
    requests = Requests(effect, other) if number == signal.SIGINT else Requests(other, effect)
    with requests.listening():
        assert requests.action() is Action.NONE
        send(number)
        assert requests.action() is action
        assert requests.action() is Action.NONE


def test_sighup_goes_first() -> None:
    requests = Requests("stop", "snapshot")
    with requests.listening():
        send(signal.SIGINT)
        send(signal.SIGHUP)
        assert [requests.action() for _ in range(3)] == [Action.SNAPSHOT, Action.STOP, Action.NONE]


def test_a_second_ctrl_c_ends_what_does_not_stop() -> None:
    requests = Requests("stop", "snapshot")
    with requests.listening():
        send(signal.SIGINT)
        assert requests.action() is Action.STOP
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_a_second_ctrl_c_that_snapshots_ends_nothing() -> None:
    requests = Requests("snapshot", "stop")
    with requests.listening():
        for _ in range(3):
            send(signal.SIGINT)
            assert requests.action() is Action.SNAPSHOT


def test_afterwards_signals_do_what_they_did() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)
    with Requests("none", "none").listening():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)) == before


@pytest.mark.parametrize("effects", [("halt", "stop"), ("stop", "")])
def test_an_unknown_effect(effects: tuple[str, str]) -> None:
    with pytest.raises(FlagError, match=r'Invalid signal effect "(halt)?" was specified'):
        Requests(*effects)
