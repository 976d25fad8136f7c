"""A list of image files: on each line the name of one and its label."""

from __future__ import annotations

import logging
import re
from typing import Any

from caffe_lite.errors import DataError
from caffe_lite.files import locate
from caffe_lite.rng import Rng
from caffe_lite.sources.images import read_image
from caffe_lite.sources.items import Images

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"\s*[+-]?[0-9]+")


def read_image_list(path: str) -> list[tuple[str, int]]:
    """The names and labels in a list. A name may hold blanks, the label comes after the last one; without a number
    there it is 0.

    Raises:
        DataError: the list cannot be read, or is empty.
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            lines = [line.rstrip("\r\n") for line in file]
    except OSError as error:
        raise DataError(f"Failed to open the list of images {path}: {error.strerror}") from None
    pairs = [_pair(line) for line in lines if line.strip()]
    if not pairs:
        raise DataError(f"{path}: File is empty; expected lines of an image's name and its label")
    return pairs


def _pair(line: str) -> tuple[str, int]:
    name, blank, label = line.rpartition(" ")
    number = _NUMBER.match(label)
    return (name if blank else line), int(number.group()) if number else 0


class ImageList:
    """The images of a list, round and round.

    Args:
        param: an ``ImageDataParameter``.
        path: of the list.
        images: names and labels; images that are not found from the working folder are looked for from the list.
        start: where to begin.
        rng: to shuffle with at each new beginning, or None.
    """

    def __init__(self, param: Any, path: str, images: list[tuple[str, int]], start: int, rng: Rng | None) -> None:
        self._param, self._path, self._images, self._at, self._rng = param, path, images, start, rng

    def current(self) -> Images:
        """The image that comes next."""
        return self._load([self._images[self._at]])

    def read(self, count: int) -> Images:
        """The next ``count`` images."""
        chosen = []
        for _ in range(count):
            chosen.append(self._images[self._at])
            self._at += 1
            if self._at == len(self._images):
                log.debug("Restarting data prefetching from start.")
                self._at = 0
                if self._rng is not None:
                    self._rng.shuffle(self._images)
        return self._load(chosen)

    def _load(self, chosen: list[tuple[str, int]]) -> Images:
        param = self._param
        names = [name for name, _ in chosen]
        images = [
            read_image(locate(param.root_folder + name, self._path), param.is_color, param.new_height, param.new_width)
            for name in names
        ]
        return Images(images, [label for _, label in chosen], names, self._path)

    def close(self) -> None:
        """Nothing is held open."""
