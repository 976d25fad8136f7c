"""How much memory this process may have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath


@cache
def memory_of_machine() -> int | None:
    """Bytes: those of the machine, or fewer where a container, a scheduler or ``ulimit -v`` allows fewer; None where
    nobody knows."""
    return min((*_physical(), *_process(), *_groups(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))), default=None)


def _physical() -> Iterator[int]:
    try:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return


def _process() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft


def _groups(membership: Path, root: Path) -> Iterator[int]:
    """The limits of the control groups that this process is in, of both versions, and of those around them."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not on Linux
        return
    for _, controllers, group in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controllers in ("", "memory"):
            top, name = (root, "memory.max") if not controllers else (root / "memory", "memory.limit_in_bytes")
            path = PurePosixPath(group.lstrip("/"))
            for folder in (path, *path.parents):  # within a container the group itself may not show
                yield from _number(top / folder / name)


def _number(path: Path) -> Iterator[int]:
    try:
        text = path.read_text().strip()
    except OSError:
        return
    if text.isdecimal():
        yield int(text)
