"""``eval``: how good a trained siamese net is."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import DataError, FlagError

if TYPE_CHECKING:
    from caffe_lite.evaluation.net import SiameseNet
    from caffe_lite.evaluation.report import ImageNumbers

log = logging.getLogger(__name__)

SHOWN = 10  # nearest neighbours; as many vote
FOLDER = "evaluation"
_SNAPSHOT = re.compile(r"solver_iter_(\d+)\.caffemodel(\.h5)?")
USAGE = """siamese FOLDER | siamese NET WEIGHTS
Tells how well a siamese net tells images of the same class from others: the distances of its pairs, the ROC, how
many are told right at the best threshold, and with --data which images lie nearest to which. FOLDER is one that
`caffe_lite new siamese` made; its newest snapshot is taken. NET is the prototxt that is trained. The numbers are
printed, and written with the pictures to the folder --output."""
FLAGS = (
    Flag("data", "", "Images and their classes: a database, an idx file such as MNIST's with its labels beside it, or "
         "a folder that has a folder of images for each class. FOLDER has its own."),
    Flag("output", "", "The folder for numbers and pictures; by default evaluation, in FOLDER or here."),
    Flag("pairs", 10000, "How many pairs to look at, of those trained with and of those tested with, at most."),
    Flag("images", 10000, "How many images to look at, at most."),
    Flag("queries", 10, "How many images to show with their nearest neighbours."),
    Flag("seed", 1, "Which ones; the same number draws the same."),
    *LIMITS,
)


@limited
def run(call: Call) -> int:
    """Evaluate, print, write.

    Raises:
        FlagError: the arguments are not as ``USAGE`` says, or a flag's value cannot be.
        CaffeError: the net, its weights, its data cannot be read, or do not fit.
    """
    flags = call.flags
    if len(call.args) not in (2, 3) or call.args[0] != "siamese":
        raise usage_error("eval", USAGE, call.args)
    for name in ("pairs", "images", "queries"):
        if getattr(flags, name) < 1:
            raise FlagError(f"--{name}={getattr(flags, name)}: give 1 or more")
    path, weights, data, output = _places(call)

    from caffe_lite import schema
    from caffe_lite.evaluation.net import SiameseNet
    from caffe_lite.evaluation.pictures import draw_distances, draw_roc
    from caffe_lite.evaluation.report import Evaluation, pair_numbers
    from caffe_lite.evaluation.roc import best_threshold
    from caffe_lite.files import atomic_write

    net = SiameseNet(path, weights)
    with call.progress(None, "pairs", "Looking at pairs") as bar:
        train, test = (net.distances(phase, flags.pairs, bar.update) for phase in (schema.TRAIN, schema.TEST))
    threshold = best_threshold(*train)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    title = Path(path).stem.removesuffix("_train_test")
    draw_distances(folder / "distances.png", train, test, threshold, f"{title}: how far apart the images of a pair lie")
    draw_roc(folder / "roc.png", train, test, threshold, f"{title}: ROC")
    images = _images(net, data, folder, title, call) if data else None
    first, second = (pair_numbers(*part, threshold) for part in (train, test))
    found = Evaluation(path, weights, threshold, first, second, data, images)
    for name, text in (("evaluation.txt", found.as_text()), ("evaluation.json", found.as_json())):
        with atomic_write(folder / name) as file:
            file.write(text.encode(errors="surrogateescape"))
    print(found.as_text(), end="", flush=True)
    if not data:
        log.info("Give --data, images and their classes, for the nearest neighbours too")
    log.info("Wrote numbers and pictures to %s", folder)
    return 0


def _places(call: Call) -> tuple[str, str, str, str]:
    """The net, its weights, images or nothing, and where to write."""
    flags, given = call.flags, call.args[1:]
    if len(given) == 2:
        return given[0], given[1], flags.data, flags.output or FOLDER
    from caffe_lite.starting.layout import SOLVER, find_layout

    folder = Path(given[0])
    if not folder.is_dir():
        raise FlagError(f"{folder} is no folder; give one that `caffe_lite new siamese` made, or a net and its weights")
    layout = find_layout(folder)
    if layout is None:
        raise DataError(f"{folder} has not one *_train_test.prototxt and a {SOLVER}, as those that `caffe_lite new "
                        "siamese` makes; give a net and its weights instead")
    snapshots = {int(found[1]): path for path in folder.iterdir() if (found := _SNAPSHOT.fullmatch(path.name))}
    if not snapshots:
        raise DataError(f"{folder} has no snapshot yet; train first: caffe_lite train --solver={folder / SOLVER}")
    weights = snapshots[max(snapshots)]
    data = flags.data or str(folder / layout.images("test"))
    return str(folder / layout.train_test), str(weights), data, flags.output or str(folder / FOLDER)


def _images(net: SiameseNet, data: str, folder: Path, title: str, call: Call) -> ImageNumbers:
    """Which images lie nearest to which, as numbers and as pictures."""
    from caffe_lite.evaluation.images import read_images
    from caffe_lite.evaluation.neighbours import nearest, queries
    from caffe_lite.evaluation.pictures import draw_neighbours
    from caffe_lite.evaluation.report import image_numbers
    from caffe_lite.report.embedding import draw_embedding, in_plane
    from caffe_lite.report.neighbours import neighbour_accuracy
    from caffe_lite.rng import Rng

    flags = call.flags
    with call.progress(None, "images", "Reading") as bar:
        photos = read_images(data, net.stored, flags.images, _classes(data), bar.update)
    if len(photos) < 2:
        raise DataError(f"{data}: found one image; give two or more, of which one is the other's neighbour")
    with call.progress(len(photos), "images", "Looking at images") as bar:
        points = net.features(photos.pixels, bar.update)
    count = min(SHOWN, len(photos) - 1)
    near = nearest(points, count)
    asked = queries(photos.labels, flags.queries, Rng(flags.seed))
    draw_neighbours(folder / "neighbours.png", photos, asked, near, f"{title}: nearest neighbours")
    plane, share = in_plane(points)
    shown = "" if share == 1 else f", {100 * share:.0f} % of what {points.shape[1]} numbers hold"
    draw_embedding(plane, photos.labels, folder / "map.png", f"{title}: {len(photos):,} images{shown}", photos.classes)
    return image_numbers(photos.labels, near, photos.classes, count, neighbour_accuracy(points, photos.labels, count))


def _classes(data: str) -> tuple[str, ...]:
    """The classes' names, where the images lie in a folder that ``caffe_lite new`` made."""
    from caffe_lite.starting.layout import find_layout

    folder = Path(data).parent
    layout = find_layout(folder)
    if layout is None or Path(data).name not in map(layout.images, ("train", "test")):
        return ()
    path = folder / layout.classes
    return tuple(path.read_text("utf-8", "surrogateescape").splitlines()) if path.exists() else ()
