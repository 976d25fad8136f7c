"""``new``: a folder to start from."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from caffe_lite.commands import Call, Flag, call_for, get_mnist, usage_error
from caffe_lite.errors import FlagError

if TYPE_CHECKING:
    from caffe_lite.rng import Rng
    from caffe_lite.starting.photos import Photos

log = logging.getLogger(__name__)

USAGE = """siamese|lenet|autoencoder DIR [--data=FOLDER]
Makes the folder DIR with data, nets, a solver and a README, which can be trained at once:
    caffe_lite train --solver=DIR/solver.prototxt
With --data=FOLDER for your own images, which lie in it in folders by class: FOLDER/cats/one.jpg. Without, for
MNIST's digits. See docs/new.md."""
FLAGS = (
    Flag("data", "", "The folder that has a folder of images for each class; without it, MNIST is taken."),
    Flag("size", 32, "Your images: width and height in pixels that the net sees."),
    Flag("gray", False, "Your images: make them grey."),
    Flag("test_share", 0.2, "Your images: which part of each class is tested with, and not learned from."),
    Flag("pairs", "balanced", "Siamese: balanced, half of the pairs of the same class; or tutorial, at random as "
         "Caffe's tutorial draws them."),
    Flag("seed", 1, "What is tested with, and the pairs, are drawn the same way for the same number."),
    Flag("backend", "lmdb", "The kind of databases {lmdb, leveldb}."),
    Flag("mnist", get_mnist.FOLDER, "Where the four files of MNIST are, or are to be fetched to."),
)


def run(call: Call) -> int:
    """Make the folder, whole or not at all.

    Raises:
        FlagError: an unknown model, or a flag's value that cannot be.
        DataError: DIR is there and is not empty, or there are not the images that it takes.
        DependencyError: a package that reads images or writes databases is not installed.
    """
    flags = call.flags
    if len(call.args) != 2:
        raise usage_error("new", USAGE, call.args)
    model, target = call.args
    _check(model, call)
    from caffe_lite.optional import need
    from caffe_lite.rng import Rng
    from caffe_lite.starting.folder import fill, stored_size
    from caffe_lite.starting.layout import SOLVER, Layout
    from caffe_lite.starting.photos import find_photos
    from caffe_lite.starting.place import new_place

    if flags.backend == "lmdb":  # before the images are read
        need("lmdb", "lmdb", "writing an LMDB, for which --backend=leveldb writes the other kind,")
    rng = Rng(flags.seed)
    files = find_photos(flags.data, classless=model == "autoencoder") if flags.data else {}
    with new_place(target) as folder:
        if flags.data:
            train, test = _own(files, stored_size(model, flags.size), call, rng)
            name = os.path.basename(os.path.abspath(flags.data))
            size, origin = flags.size, f"It was made for the images in `{name}`."
        else:
            train, test = _mnist(call)
            size, origin = train.pixels.shape[-1], "It was made for MNIST's digits."
        kit = fill(folder, Layout.of(target, flags.backend), model, train, test, size=size, own=bool(flags.data),
                   pairs=flags.pairs, rng=rng, origin=origin,
                   progress=lambda total: call.progress(total, "records", "Writing"))
    items = "pairs" if model == "siamese" else "images"
    log.info("%d images of %d classes to learn from, %d to test with", len(train), kit.classes, len(test))
    log.info("%d %s to learn from in %d iterations, %d to test with", kit.train, items, kit.plan.max_iter, kit.test)
    log.info("Made %s; read %s, or start with: caffe_lite train --solver=%s", target, Path(target, "README.md"),
             Path(target, SOLVER))
    return 0


def _check(model: str, call: Call) -> None:
    flags = call.flags
    models, pairs, backends = ("siamese", "lenet", "autoencoder"), ("balanced", "tutorial"), ("lmdb", "leveldb")
    if model not in models:
        raise FlagError(f"caffe_lite new knows no {model!r}; give one of {', '.join(models)}, and then the folder")
    for name, known in (("pairs", pairs), ("backend", backends)):
        if getattr(flags, name) not in known:
            raise FlagError(f"--{name}={getattr(flags, name)}: give {' or '.join(known)}")
    from caffe_lite.starting.prototxt import LARGEST, SMALLEST

    if not SMALLEST <= flags.size <= LARGEST:
        raise FlagError(f"--size={flags.size}: give {SMALLEST} to {LARGEST} pixels")
    if not 0 < flags.test_share < 1:
        raise FlagError(f"--test_share={flags.test_share:g}: give a number between 0 and 1, such as 0.2")


def _own(files: dict[str, list[Path]], size: int, call: Call, rng: Rng) -> tuple[Photos, Photos]:
    from caffe_lite.starting.photos import read_photos
    from caffe_lite.starting.split import split

    count = sum(map(len, files.values()))
    log.info("%d images of %d classes: %s", count, len(files),
             ", ".join(f"{name} ({len(paths)})" for name, paths in files.items()))
    with call.progress(count, "images", "Reading") as bar:
        photos = read_photos(files, size, size, call.flags.gray, bar.update)
    return split(photos, call.flags.test_share, rng)


def _mnist(call: Call) -> tuple[Photos, Photos]:
    """The sets as they are, in their order."""
    from caffe_lite.sources.idx import read_pair
    from caffe_lite.starting.photos import Photos

    fetching = call_for(get_mnist.FLAGS, [call.flags.mnist])
    get_mnist.run(Call(fetching.flags, fetching.args, call.progress))
    folder = Path(call.flags.mnist)

    def read(part: str) -> Photos:
        pixels, labels = read_pair(folder / f"{part}-images-idx3-ubyte", folder / f"{part}-labels-idx1-ubyte")
        return Photos(pixels[:, None], labels, tuple("0123456789"))

    return read("train"), read("t10k")
