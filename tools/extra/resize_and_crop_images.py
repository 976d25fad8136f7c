#!/usr/bin/env python3
"""Resize images so that their shorter side fits, and keep the square in the middle; in several processes.

Flags are those of Caffe's script of this name, ``--name=value``; of its framework's, ``--num_clients`` and ``--input``.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from caffe_lite.cli.flags import parse
from caffe_lite.commands import Flag
from caffe_lite.errors import CaffeError, FlagError
from caffe_lite.files import atomic_write
from caffe_lite.optional import need
from caffe_lite.sources.images import read_image, resize_image

FLAGS = (
    Flag("image_lib", "opencv", "OpenCV or PIL, case insensitive: by whose rules to resize."),
    Flag("input_folder", "", "The folder that contains all input images, organized in synsets."),
    Flag("output_side_length", 256, "Expected side length of the output image."),
    Flag("output_folder", "", "The folder that we write output resized and cropped images to."),
    Flag("input", "", "The file that lists the images, one a line, relative to the input folder."),
    Flag("num_clients", os.cpu_count() or 1, "How many processes work."),
    Flag("help", False, "Show this."),
)
QUALITY = {"opencv": 95, "pil": 75}


class Task(NamedTuple):
    """One image."""

    source: str
    target: str
    side: int
    library: str


def resize_and_crop_image(input_file: str, output_file: str, output_side_length: int = 256) -> None:
    """By OpenCV's rules: bilinear, then the middle.

    Raises:
        CaffeError: there is no such image.
        OSError: the other cannot be written.
    """
    from PIL import Image

    side = output_side_length
    image = read_image(input_file)
    _, height, width = image.shape
    new_height, new_width = (side * height // width, side) if height > width else (side, side * width // height)
    top, left = (new_height - side) // 2, (new_width - side) // 2
    square = resize_image(image, new_height, new_width)[::-1, top : top + side, left : left + side]
    _save(Image.fromarray(np.ascontiguousarray(square.transpose(1, 2, 0))), output_file, QUALITY["opencv"])


def resize_and_crop_image_pil(input_file: str, output_file: str, output_side_length: int = 256) -> None:
    """By Pillow's: a quick reduction by 2, 4 or 8 where that leaves enough, the middle, then a smooth reduction.

    Images are not enlarged, and written as JPEG whatever their name.

    Raises:
        OSError: there is no such image, or the other cannot be written.
    """
    from PIL import Image

    side = output_side_length
    with Image.open(input_file) as image:
        factor = 1
        while image.width / factor > 2 * side and image.height * 2 / factor > 2 * side:
            factor *= 2
        if factor > 1:
            image.thumbnail((image.width // factor, image.height // factor), Image.Resampling.NEAREST)
        half = min(image.size) / 2
        box = (image.width / 2 - half, image.height / 2 - half, image.width / 2 + half, image.height / 2 + half)
        square = image.crop(tuple(map(int, box)))
    square.thumbnail((side, side), Image.Resampling.LANCZOS)
    _save(square.convert("RGB"), output_file, QUALITY["pil"], "JPEG")


def _save(image: Any, path: str, quality: int, kind: str | None = None) -> None:
    from PIL import Image

    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    kind = kind or Image.registered_extensions().get(Path(path).suffix.lower(), "JPEG")
    data = io.BytesIO()
    image.save(data, kind, **({"quality": quality} if kind == "JPEG" else {}))
    with atomic_write(path) as file:
        file.write(data.getvalue())


def work(task: Task) -> str | None:
    """Do one image; returns what went wrong, so that one broken image does not stop the others."""
    convert = resize_and_crop_image_pil if task.library == "pil" else resize_and_crop_image
    try:
        convert(task.source, task.target, task.side)
    except (CaffeError, OSError, ValueError) as error:
        return str(error) if task.source in str(error) else f"{task.source}: {error}"
    return None


def tasks(flags: Any) -> Iterator[Task]:
    """What the list asks for; of a line that is no file's name the first word counts, as in lists with labels."""
    with open(flags.input, encoding="utf-8") as file:
        for line in filter(None, map(str.strip, file)):
            name = line.removeprefix(os.path.join(flags.input_folder, ""))
            if not os.path.isfile(os.path.join(flags.input_folder, name)):
                name = name.split()[0]
            source, target = (os.path.join(folder, name) for folder in (flags.input_folder, flags.output_folder))
            yield Task(source, target, flags.output_side_length, flags.image_lib.lower())


def check(flags: Any) -> None:
    """Raise a ``FlagError`` for flags that cannot be."""
    if not flags.input or not flags.output_folder:
        raise FlagError("--input=LIST and --output_folder=FOLDER are needed; --help lists all flags")
    if flags.image_lib.lower() not in QUALITY:
        raise FlagError(f"--image_lib={flags.image_lib}: expected opencv or pil")
    for name in ("output_side_length", "num_clients"):
        if getattr(flags, name) < 1:
            raise FlagError(f"--{name}={getattr(flags, name)}: expected 1 or more")
    if os.path.abspath(flags.input_folder) == os.path.abspath(flags.output_folder):
        raise FlagError("--input_folder and --output_folder are the same: images would be written over")


def main() -> int:
    """Returns the exit code: 1 for a mistake, or where no image could be done."""
    try:
        flags, _ = parse(sys.argv[1:], FLAGS)
        if flags.help:
            print(__doc__.strip(), *(f"  --{flag.name}={flag.default}  {flag.help}" for flag in FLAGS[:-1]), sep="\n")
            return 0
        check(flags)
        need("PIL", "images", "resizing images")
        todo = list(tasks(flags))
        with ProcessPoolExecutor(min(flags.num_clients, len(todo) or 1), get_context("spawn")) as pool:
            failures = [failure for failure in pool.map(work, todo, chunksize=8) if failure]
    except (CaffeError, OSError, UnicodeDecodeError) as error:
        print(f"resize_and_crop_images.py: {error}", file=sys.stderr)
        return 1
    print(*failures, sep="\n", end="\n" if failures else "", file=sys.stderr)
    print(f"Wrote {len(todo) - len(failures)} of {len(todo)} images to {flags.output_folder}")
    return int(len(failures) == len(todo))


if __name__ == "__main__":
    sys.exit(main())
