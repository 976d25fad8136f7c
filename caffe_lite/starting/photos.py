"""Images in folders by class: found, read, resized."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.parallel import threads
from caffe_lite.sources.images import read_image

log = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]
ENDINGS = (".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm",
           ".ppm", ".ras", ".tif", ".tiff", ".webp")
_CHUNK = 64  # images that wait in memory, as large as they are, for their turn


@dataclass(frozen=True)
class Photos:
    """Images of one size and what they show.

    Attributes:
        pixels: uint8, shape (count, channels, height, width), the channels blue, green, red, or grey alone.
        labels: ``count`` numbers of classes.
        classes: their names; class i is ``classes[i]``.
        names: of the images, for their records' keys; may be empty.
    """

    pixels: Array
    labels: Array
    classes: tuple[str, ...]
    names: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, chosen: Array) -> Photos:
        """Some of them, in this order."""
        names = tuple(self.names[i] for i in chosen) if self.names else ()
        return Photos(self.pixels[chosen], self.labels[chosen], self.classes, names)


def find_photos(folder: str | os.PathLike[str], classless: bool = False) -> dict[str, list[Path]]:
    """The image files below each folder of ``folder``, in alphabetical order; the folders' names are the classes.

    Hidden files and folders are passed over, and other files by their endings; the log counts them.

    Args:
        classless: images that lie in ``folder`` itself, where no folder in it has any, are one class.

    Raises:
        DataError: there is no such folder, or no image in folders.
    """
    root = Path(folder)
    if not root.is_dir():
        problem = "it is a file" if root.exists() else "there is no such folder"
        raise DataError(f"{folder}: {problem}; give a folder that has a folder of images for each class")
    others: Counter[str] = Counter()
    found: dict[str, list[Path]] = {}
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            found[path.name] = list(_images_below(path, others))
    for name in [name for name, files in found.items() if not files]:
        log.warning("%s has no images and is no class", root / name)
        del found[name]
    loose = [path for path in sorted(root.iterdir()) if path.is_file() and _is_image(path)]
    if not found and loose and classless:
        found = {root.resolve().name: loose}
    elif loose:
        log.warning("Left aside, as they lie in no class's folder: %d images in %s, such as %s", len(loose), root,
                    loose[0].name)
    if others:
        kinds = ", ".join(f"{count} {ending or 'without an ending'}" for ending, count in others.most_common(5))
        log.warning("Left aside, as their endings are no images': %s", kinds)
    if not found:
        raise DataError(f"{folder}: no images in folders; expected a folder for each class, such as "
                        f"{root / 'cats' / 'one.jpg'} and {root / 'dogs' / 'two.jpg'}")
    return found


def read_photos(files: dict[str, list[Path]], height: int, width: int, gray: bool,
                done: Callable[[int], None] = lambda count: None) -> Photos:
    """Read images, each resized to this height and width whatever its own shape, as Caffe resizes.

    What cannot be read, and an image whose pixels were there already, is named in the log and left out.

    Args:
        done: called with the number of images that have been read since the last call.

    Raises:
        DataError: of a class no image can be read.
        DependencyError: Pillow is not installed.
    """
    classes = tuple(files)
    todo = [(path, label) for label, name in enumerate(classes) for path in files[name]]
    first: dict[bytes, Path] = {}
    pixels, labels, names, bad, doubles = [], [], [], 0, 0
    for (path, label), image in zip(todo, _read([path for path, _ in todo], height, width, gray), strict=True):
        done(1)
        if isinstance(image, DataError):
            log.warning("Left out: %s", image)
            bad += 1
        elif (data := image.tobytes()) in first:
            log.warning("Left out: %s shows what %s shows", path, first[data])
            doubles += 1
        else:
            first[data] = path
            pixels.append(image)
            labels.append(label)
            names.append(f"{classes[label]}/{path.name}")
    if bad or doubles:
        log.warning("Left out of %d images: %d that cannot be read, %d that are there twice", len(todo), bad, doubles)
    for label, name in enumerate(classes):
        if label not in labels:
            raise DataError(f"{files[name][0].parent}: none of its {len(files[name])} images can be used; the log "
                            "above says why. Put images there, or take the folder away")
    return Photos(np.stack(pixels), np.array(labels), classes, tuple(names))


def _images_below(folder: Path, others: Counter[str]) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if _is_image(path):
                yield path
            elif not name.startswith("."):
                others[path.suffix.lower()] += 1


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def _read(paths: Sequence[Path], height: int, width: int, gray: bool) -> Iterator[Array | DataError]:
    def read(path: Path) -> Array | DataError:
        try:
            return read_image(str(path), not gray, height, width)
        except DataError as error:
            return error

    with ThreadPoolExecutor(threads()) as pool:
        for begin in range(0, len(paths), _CHUNK):
            yield from pool.map(read, paths[begin : begin + _CHUNK])
