"""Ends of a process at a certain step of writing or removing a snapshot, as if it were killed there."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from caffe_lite.files import Aside

STEPS: dict[str, tuple[Any, str]] = {
    "mkstemp": (tempfile, "mkstemp"),
    "write": (Aside, "write"),
    "fsync": (os, "fsync"),
    "chmod": (os, "chmod"),
    "replace": (os, "replace"),
    "unlink": (os, "unlink"),
}
CALLS = 3  # of each in writing a snapshot, or more


class Step(NamedTuple):
    """The ``call``-th call of a function of ``STEPS``: before it, after it, or in the middle of a write."""

    name: str
    call: int
    after: bool


def any_step(random: Random, snapshots: int) -> Step:
    """A step of one of so many snapshots."""
    return Step(random.choice(list(STEPS)), random.randrange(CALLS * snapshots), random.random() < 0.5)


def die_at(step: Step) -> None:
    """Have this process killed when it comes there."""
    owner, name = STEPS[step.name]
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= step.call:
            return original(*args, **kwargs)
        if step.name == "write":
            aside, data = args
            original(aside, data[: len(data) // 2])
        elif step.after:
            original(*args, **kwargs)
        return os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, wrapped)
