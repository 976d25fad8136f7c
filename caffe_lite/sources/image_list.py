"""A list of image files: on each line the name of one and its label."""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.errors import DataError, SnapshotError
from caffe_lite.files import locate, read_whole
from caffe_lite.rng import Rng
from caffe_lite.sources.images import read_image
from caffe_lite.sources.items import Images

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"\s*[+-]?[0-9]+")
_MOST_DIGITS = 10  # of a label, which is a number of 32 bits


def read_image_list(path: str) -> list[tuple[str, int]]:
    """The names and labels in a list. A name may hold blanks, the label comes after the last one; without a number
    there it is 0.

    Raises:
        DataError: the list cannot be read, is empty, or has a label that is no number of 32 bits.
    """
    try:
        text = read_whole(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise DataError(f"Failed to open the list of images {path}: {error.strerror}") from None
    lines = enumerate(text.split("\n"), 1)
    pairs = [_pair(line.rstrip("\r"), f"{path}:{number}") for number, line in lines if line.strip()]
    if not pairs:
        raise DataError(f"{path}: File is empty; expected lines of an image's name and its label")
    return pairs


def _pair(line: str, where: str) -> tuple[str, int]:
    name, blank, text = line.rpartition(" ")
    number = _NUMBER.match(text)
    digits = number.group().strip() if number else "0"
    size = digits.lstrip("+-0") or "0"  # int() counts zeros in front as digits too, of which it takes 4300
    label = (int(size) if len(size) <= _MOST_DIGITS else 1 << 32) * (-1 if digits.startswith("-") else 1)
    if not -(1 << 31) <= label < 1 << 31:
        raise DataError(f"{where}: a label is a number from {-(1 << 31)} to {(1 << 31) - 1}, found {digits[:50]}")
    return (name if blank else line), label


class ImageList:
    """The images of a list, round and round.

    Args:
        param: an ``ImageDataParameter``.
        path: of the list.
        images: names and labels; images that are not found from the working folder are looked for from the list.
        start: where to begin.
        rng: to shuffle with, now and at each new beginning, or None.

    Attributes:
        step: how many images on the next one is.
    """

    def __init__(self, param: Any, path: str, images: list[tuple[str, int]], start: int, rng: Rng | None) -> None:
        self._param, self._path, self._images, self._at, self._rng = param, path, images, start, rng
        self.step = 1
        self._order = np.arange(len(images), dtype=np.uint32)
        self._checksum = zlib.crc32("\n".join(map(str, images)).encode(errors="surrogateescape"))
        self._shuffle()

    def peek(self) -> tuple[str, int]:
        """The name and label of the image that comes next."""
        return self._images[self._order[self._at]]

    def take(self, count: int) -> list[tuple[str, int]]:
        """The names and labels of the next ``count`` images."""
        chosen = []
        for _ in range(count):
            chosen.append(self.peek())
            self.next()
        return chosen

    def next(self) -> None:
        """Go to the next image, from the last one to the first."""
        for _ in range(self.step):
            self._at += 1
            if self._at == len(self._images):
                log.debug("Restarting data prefetching from start.")
                self._at = 0
                self._shuffle()

    def take_share(self, rank: int, count: int) -> None:
        """Of the images from the current one on have this be number ``rank``, and every ``count``th after it."""
        for _ in range(rank):
            self.next()
        self.step = count

    def position(self) -> dict[str, Any]:
        """Which image comes next, and the order they come in."""
        if self._rng is None:
            return {"list": self._checksum, "at": self._at}
        return {"list": self._checksum, "at": self._at, "order": self._order, "random": self._rng.getstate()}

    def go_to(self, position: dict[str, Any]) -> None:
        """Go on from ``position``.

        Raises:
            SnapshotError: it is of another list.
        """
        if position["list"] != self._checksum or ("order" in position) != (self._rng is not None):
            raise SnapshotError(f"{self._path} has changed: it names other images, or these are shuffled now")
        order = position.get("order", self._order)
        if not 0 <= position["at"] < len(self._images) or sorted(order.tolist()) != list(range(len(self._images))):
            raise SnapshotError("this is no place in a list of images")
        if self._rng is not None:
            self._rng.setstate(position["random"])
        self._at, self._order = position["at"], order

    def _shuffle(self) -> None:
        if self._rng is not None:
            self._order = self._order.copy()  # the old one is in positions
            self._rng.shuffle(self._order)

    def items(self, chosen: Sequence[tuple[str, int]]) -> Images:
        """The images of these names and labels."""
        param = self._param
        names = [name for name, _ in chosen]
        images = [
            read_image(locate(param.root_folder + name, self._path), param.is_color, param.new_height, param.new_width)
            for name in names
        ]
        return Images(images, [label for _, label in chosen], names, self._path)

    def close(self) -> None:
        """Nothing is held open."""
