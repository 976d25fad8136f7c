"""R-CNN's window files: images, and windows on them that show an object or background.

For each image::

    # index
    name
    channels
    height
    width
    how_many_windows
    class overlap x1 y1 x2 y2        (one line a window)
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, NoReturn

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.files import read_whole

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]

_MOST_DIGITS = 10  # of numbers, which have 32 bits
_LAST = np.iinfo(np.int32).max


class Window(NamedTuple):
    """A rectangle of an image, both corners included, and its class; 0 is background."""

    image: int
    label: int
    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True)
class WindowFile:
    """What a window file says.

    Attributes:
        images: names, as in the file.
        channels: of the last image.
        foreground, background: int32, each row a ``Window``; those that are neither are left out.
    """

    images: list[str]
    channels: int
    foreground: Array
    background: Array


def read_window_file(path: str, foreground: float, background: float) -> WindowFile:
    """Read a window file.

    Args:
        foreground: windows that overlap an object by so much or more show it.
        background: those that do by less show background.

    Raises:
        DataError: the file cannot be read, or not understood, or lacks a kind of window.
    """
    images: list[str] = []
    shown: list[Array] = []
    empty: list[Array] = []
    channels = 0
    try:
        text = read_whole(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise DataError(f"Failed to open window file {path}: {error.strerror}") from None
    lines = _Lines(path, text.splitlines())
    while lines.begins_image(len(images)):
        images.append(lines.next())
        size = [lines.integer() for _ in range(3)]
        channels, count = size[0], lines.integer()
        if len(images) % 100 == 1:
            log.info("num: %d %s %d %d %d windows to process: %d", len(images) - 1, images[-1], *size, count)
        overlaps, windows = lines.windows(count, len(images) - 1)
        objects = overlaps >= np.float32(foreground)
        if (windows[objects, 1] < 1).any():
            lines.fail("expected a class of 1 or more for every window on an object, found one below")
        rest = windows[~objects & (overlaps < np.float32(background))]
        rest[:, 1] = 0
        shown.append(windows[objects])
        empty.append(rest)
    if not images:
        raise DataError(f"{path}: Window file is empty")
    result = WindowFile(images, channels, np.concatenate(shown), np.concatenate(empty))
    log.info("Number of images: %d", len(images))
    log.info("class 0 has %d samples", len(result.background))
    for label, samples in zip(*np.unique(result.foreground[:, 1], return_counts=True), strict=True):
        log.info("class %d has %d samples", label, samples)
    for kind in ("foreground", "background"):
        if not len(getattr(result, kind)):
            raise DataError(f"{path}: expected windows of both kinds, found no {kind}; see {kind[0]}g_threshold")
    return result


class _Lines:
    """The lines of a window file, blank ones left out."""

    def __init__(self, path: str, lines: Iterable[str]) -> None:
        self._path, self._at = path, 0
        self._lines = self._counted(lines)

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self._at += 1
            if line.strip():
                yield line.strip()

    def next(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.fail("the file ends in the middle of an image")
        return line

    def begins_image(self, index: int) -> bool:
        """Whether another image follows; it must have this index."""
        line = next(self._lines, None)
        if line is not None and line.split() != ["#", str(index)]:
            self.fail(f"expected '# {index}' (images are numbered in order), found {line[:100]!r}")
        return line is not None

    def integer(self) -> int:
        line = self.next()
        if not (line.isascii() and line.isdecimal()) or len(line) > _MOST_DIGITS or int(line) > _LAST:
            self.fail(f"expected a whole number, found {line[:100]!r}")
        return int(line)

    def windows(self, count: int, image: int) -> tuple[Array, Array]:
        """The overlaps and the windows of an image."""
        words = " ".join(islice(self._lines, count)).split()
        try:
            table = np.array(words, np.float64).reshape(count, 6)
        except ValueError:
            self.fail(f"expected {count} lines of class overlap x1 y1 x2 y2 before this, found something else")
        if not (np.abs(table) <= _LAST).all():
            self.fail("expected numbers of 32 bits in the lines before this, found one that is larger or not finite")
        windows = np.empty((count, len(Window._fields)), np.int32)
        windows[:, 0] = image
        windows[:, 1:] = table[:, [0, 2, 3, 4, 5]]
        return table[:, 1].astype(np.float32), windows

    def fail(self, message: str) -> NoReturn:
        raise DataError(f"{self._path}:{self._at}: {message}")
