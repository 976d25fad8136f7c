"""A plugin of pytest, ``-p tools.errors.recorder``: which test provokes which error message.

An exception knows the lines that it came through, where it was made and, where it hands on another, that one's. What
was recorded before is kept as long as it fits the source, so that examples do not change with every run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from caffe_lite.errors import CaffeError
from tools.errors.examples import Examples, fitting, read_examples, write_examples
from tools.errors.sites import ROOT, Site, find_sites

_FOLDER = re.compile(rf"(/\S*/pytest-of-[^/\s]+/pytest-\d+/[\w.-]*[\w-]|{re.escape(str(ROOT))})(/?)")


class Recorder:
    """Notes which test first reaches which message.

    Attributes:
        found: the examples, with those that were there before.
        reached: files and lines of what was reached in this run.
    """

    def __init__(self, sites: list[Site], examples: Examples) -> None:
        self._by_path: dict[str, list[Site]] = {}
        for site in sites:
            self._by_path.setdefault(str(ROOT / site.path), []).append(site)
        self.found = fitting(sites, examples)
        self.reached: set[tuple[str, int]] = set()

    def note(self, error: CaffeError, test: str) -> None:
        """Take in an error that is being made."""
        message = shown(str(error))
        for path, line in _places(error):
            for site in self._by_path.get(path, ()):
                if (site.collected or site.begin <= line <= site.end) and site.pattern.search(message):
                    self.reached.add((site.path, site.begin))
                    self.found.setdefault(site.path, {}).setdefault(site.template, {"example": message, "test": test})


def shown(message: str) -> str:
    """A message without what differs from run to run."""
    message = _FOLDER.sub(lambda match: "" if match[2] else "/home/you", message)
    message = "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in message)
    return re.sub(r"\b(127\.0\.0\.1|localhost):\d+", r"\1:8000", message)


def _places(error: CaffeError) -> Iterator[tuple[str, int]]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    handled: BaseException | None = sys.exc_info()[1]
    while handled is not None:
        trace: TracebackType | None = handled.__traceback__
        while trace is not None:
            yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
            trace = trace.tb_next
        handled = handled.__context__


class Plugin:
    """Has every ``CaffeError`` noted, and keeps what was found."""

    def __init__(self) -> None:
        self.sites = find_sites()
        self.recorder = Recorder(self.sites, read_examples())

    def pytest_terminal_summary(self, terminalreporter: Any, config: Any) -> None:
        """After a run of all tests, name the lines that none of them reached."""
        if not config.option.file_or_dir:
            for site in self.sites:
                if (site.path, site.begin) not in self.recorder.reached:
                    terminalreporter.write_line(f"{site.path}:{site.begin}: no test came here: {site.template!r}")

    def pytest_unconfigure(self) -> None:
        """Write the file, with what another run may have written meanwhile."""
        merged = fitting(self.sites, read_examples())
        for path, known in self.recorder.found.items():
            merged[path] = known | merged.get(path, {})
        write_examples(merged)


def pytest_configure(config: Any) -> None:
    """Watch the exceptions from now on."""
    plugin = Plugin()
    config.pluginmanager.register(plugin)

    def init(self: CaffeError, *args: object) -> None:
        Exception.__init__(self, *args)
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0].partition("[")[0]
        plugin.recorder.note(self, test)

    CaffeError.__init__ = init  # type: ignore[method-assign, assignment]
