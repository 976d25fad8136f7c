"""How fast records come from databases and images: alone, and while a net trains on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.solvers import Solver
from caffe_lite.sources.database import create_database
from tools.bench.nets import NETS
from tools.bench.weights import SEED, fill_inputs

ROUNDS = 5
WARM = 5  # iterations: a data layer makes 4 batches ahead
SMALL, LARGE = 6400, 256  # records: of digits, of photographs


@dataclass(frozen=True)
class Pipeline:
    """Records of a kind for a net.

    Attributes:
        write: fills a folder with ``records`` of ``shape``.
        fields: of the data layer that reads them.
        net, batch: who trains on them.
        needs: modules that must be installed.
    """

    name: str
    write: Callable[[], None]
    fields: str
    net: str
    batch: int
    needs: tuple[str, ...] = ()


def time_pipelines(seconds: float) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Records a second: ``alone`` from the data layer; ``training`` on them; ``given``, the same training with its
    batch in memory. And the pipelines that were left out, with the reason."""
    rows, skipped = [], {}
    home = os.getcwd()
    for pipeline in PIPELINES:
        missing = [module for module in pipeline.needs if find_spec(module) is None]
        if missing:
            skipped[f"data: {pipeline.name}"] = f"not installed: pip install {' '.join(missing)}"
            continue
        with TemporaryDirectory(prefix="caffe_lite_bench-") as folder:
            os.chdir(folder)  # the paths in the layers count from there
            try:
                pipeline.write()
                rows.append({"records": pipeline.name, "net": pipeline.net, "batch": pipeline.batch,
                             **_rates(pipeline, seconds)})
            finally:
                os.chdir(home)
    return rows, skipped


def _rates(pipeline: Pipeline, seconds: float) -> dict[str, float]:
    given = NETS[pipeline.net].make(pipeline.batch, True)
    tops = list(given.layer[0].top)
    blobs = " ".join(f'top: "{top}"' for top in tops)
    text = pipeline.fields.replace("BATCH", str(pipeline.batch))
    source = schema.parse_text(f'name: "input" {blobs} {text}', schema.LayerParameter)
    reading = schema.NetParameter(name=given.name, layer=[source, *given.layer[1:]])
    with ExitStack() as stack:
        alone = Net(schema.NetParameter(layer=[source], state=schema.NetState(phase=schema.TRAIN)))
        stack.callback(alone.close)
        solvers = [Solver(schema.SolverParameter(train_net_param=net, base_lr=1e-9, lr_policy="fixed", momentum=0.9,
                                                 snapshot_after_train=False)) for net in (reading, given)]
        for solver in solvers:
            stack.callback(solver.close)
        fill_inputs(solvers[1].net, np.random.default_rng(SEED))
        contestants: dict[str, Callable[[], Any]] = {"alone": alone.forward, "training": lambda: solvers[0].step(1),
                                                     "given": lambda: solvers[1].step(1)}
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(ROUNDS):
            for name, iterate in contestants.items():
                rates[name].append(pipeline.batch * _rate(iterate, seconds))
    return {name: median(found) for name, found in rates.items()}


def _rate(iterate: Callable[[], Any], seconds: float) -> float:
    """Iterations a second, once the batches that were made ahead are used up."""
    for _ in range(WARM):
        iterate()
    count, begin = 0, perf_counter()
    while perf_counter() < begin + seconds or not count:
        iterate()
        count += 1
    return count / (perf_counter() - begin)


def _write_database(backend: str, count: int, shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    values = np.random.default_rng(SEED).integers(0, 256, (count, *shape), np.uint8)
    with create_database("records", backend) as put:
        for i, image in enumerate(values):
            datum = schema.Datum(channels=channels, height=height, width=width, data=image.tobytes(), label=i % 2)
            put(b"%08d" % i, datum.SerializeToString())


def _write_images(count: int, size: int) -> None:
    """JPEG files that look like photographs to a decoder: smooth, with some noise."""
    from PIL import Image

    rng = np.random.default_rng(SEED)
    ramp = np.linspace(0, 6, size)
    lines = []
    for i in range(count):
        waves = [np.sin(ramp[:, None] * rng.random() + ramp * rng.random() + rng.random()) for _ in range(3)]
        image = 127 + 90 * np.stack(waves, -1) + 12 * rng.standard_normal((size, size, 3))
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(f"{i:04d}.jpg", quality=90)
        lines.append(f"{i:04d}.jpg {i % 2}\n")
    Path("images.txt").write_text("".join(lines))


SCALE = "transform_param { scale: 0.00390625 }"
CROP = "transform_param { crop_size: 227 mirror: true mean_value: 104 mean_value: 117 mean_value: 123 }"
PIPELINES = (
    Pipeline("LevelDB, pairs of 28 x 28", lambda: _write_database("leveldb", SMALL, (2, 28, 28)),
             f'type: "Data" {SCALE} data_param {{ source: "records" batch_size: BATCH backend: LEVELDB }}',
             "siamese", 64, ("plyvel",)),
    Pipeline("LMDB, 28 x 28", lambda: _write_database("lmdb", SMALL, (1, 28, 28)),
             f'type: "Data" {SCALE} data_param {{ source: "records" batch_size: BATCH backend: LMDB }}',
             "lenet", 64, ("lmdb",)),
    Pipeline("LMDB, 3 x 256 x 256, cropped, mirrored", lambda: _write_database("lmdb", LARGE, (3, 256, 256)),
             f'type: "Data" {CROP} data_param {{ source: "records" batch_size: BATCH backend: LMDB }}',
             "alexnet", 10, ("lmdb",)),
    Pipeline("JPEG files, 256 x 256, cropped, mirrored", lambda: _write_images(LARGE, 256),
             f'type: "ImageData" {CROP} image_data_param {{ source: "images.txt" batch_size: BATCH }}',
             "alexnet", 10, ("PIL",)),
    Pipeline("JPEG files, 320 x 320, resized to 256 x 256, cropped, mirrored", lambda: _write_images(LARGE, 320),
             f'type: "ImageData" {CROP} image_data_param {{ source: "images.txt" batch_size: BATCH new_height: 256 '
             "new_width: 256 }", "alexnet", 10, ("PIL",)),
)
