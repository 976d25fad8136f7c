"""``convert_imageset``: a database of the images in a list.

As ``tools/convert_imageset.cpp`` makes it, with a seed added.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.errors import DataError, FlagError

log = logging.getLogger(__name__)

USAGE = """ROOTFOLDER/ LISTFILE DB_NAME
Make a database of images that a Data layer reads. Each line of LISTFILE is the name of an image file and its label, a
number: `cats/one.jpg 3`; ROOTFOLDER/ is put before the names. Images that cannot be read are told and left out."""
FLAGS = (
    Flag("gray", False, "When this option is on, treat images as grayscale ones"),
    Flag("shuffle", False, "Randomly shuffle the order of images and their labels"),
    Flag("backend", "lmdb", "The backend {lmdb, leveldb} for storing the result"),
    Flag("resize_width", 0, "Width images are resized to"),
    Flag("resize_height", 0, "Height images are resized to"),
    Flag("check_size", False, "When this option is on, check that all the datum have the same size"),
    Flag("encoded", False, "When this option is on, the encoded image will be saved in the datum"),
    Flag("encode_type", "", "Optional: what type to encode the image as (png, jpg, ...); by default the file's"),
    Flag("seed", -1, "Shuffle in the same order each time; a negative number draws a new one"),
)
CHUNK = 100  # images, read by several threads, that wait in memory for their turn

Line: TypeAlias = tuple[str, int]
Found: TypeAlias = "tuple[bytes, int] | DataError"  # a record and how many values its image has


def run(call: Call) -> int:
    """Record of line i, counted from 0: key ``%08d_NAME``, the Datum of the image.

    Raises:
        FlagError: an encoding that nobody knows.
        DataError: the list cannot be read, none of its images can be, their sizes differ with ``--check_size``, or the
            database is there already.
        DependencyError: Pillow, or the package for the backend, is not installed.
    """
    if len(call.args) != 3:
        raise usage_error("convert_imageset", USAGE, call.args)
    from caffe_lite.sources.database import create_database

    flags, (root, listing, target) = call.flags, call.args
    reader = _reader(flags, root)
    lines = _lines(listing, flags)
    taken, first = 0, 0
    with (
        create_database(target, flags.backend) as put,
        call.progress(len(lines), "images", "Converting") as bar,
    ):
        log.info("Opened %s %s", flags.backend, target)
        for i, found in enumerate(_read(lines, reader)):
            bar.update()
            name = lines[i][0]
            if isinstance(found, DataError):
                log.error("%s", found)
                continue
            record, size = found
            first = first or size
            if flags.check_size and size != first:
                raise DataError(f"{root}{name}: Incorrect data field size {size}: expected {first} values, as many as "
                                "the first image has; --resize_height and --resize_width make images equal")
            put(b"%08d_" % i + os.fsencode(name), record)
            taken += 1
            if taken % 1000 == 0:
                log.info("Processed %d files.", taken)
        if not taken:
            raise DataError(f"{listing}: none of its {len(lines)} images can be read, the first being "
                            f"{root}{lines[0][0]}; ROOTFOLDER/ needs its '/' at the end")
    if taken % 1000:
        log.info("Processed %d files.", taken)
    if taken < len(lines):
        log.warning("%d of %d images could not be read and were left out", len(lines) - taken, len(lines))
    return 0


def _lines(path: str, flags: Any) -> list[Line]:
    from caffe_lite.rng import Rng
    from caffe_lite.sources.image_list import read_image_list

    lines = read_image_list(path)
    if flags.shuffle:
        log.info("Shuffling data")
        Rng(flags.seed if flags.seed >= 0 else None).shuffle(lines)
    log.info("A total of %d images.", len(lines))
    return lines


def _reader(flags: Any, root: str) -> Callable[[Line], Found]:
    """What makes a record of a line; safe to be called in several threads."""
    from caffe_lite.sources.image_datum import encoder, ending, image_datum

    height, width = max(0, flags.resize_height), max(0, flags.resize_width)
    if (height > 0) != (width > 0):
        log.warning("images are resized only where both --resize_height and --resize_width are given")
    if flags.encode_type:
        encoder(flags.encode_type)
        if not flags.encoded:
            log.info("encode_type specified, assuming encoded=true.")

    def read(line: Line) -> Found:
        name, label = line
        encoding = flags.encode_type or (ending(name) if flags.encoded else "")
        if encoding and not flags.encode_type and "." not in name:
            raise FlagError(f"Failed to guess the encoding of '{name}'; say --encode_type=png or the like")
        try:
            datum, values = image_datum(root + name, label, height, width, not flags.gray, encoding)
        except DataError as error:
            return error
        return datum.SerializeToString(), values

    return read


def _read(lines: list[Line], reader: Callable[[Line], Found]) -> Iterator[Found]:
    from concurrent.futures import ThreadPoolExecutor

    from caffe_lite.parallel import threads

    with ThreadPoolExecutor(threads()) as pool:
        for begin in range(0, len(lines), CHUNK):
            yield from pool.map(reader, lines[begin : begin + CHUNK])
