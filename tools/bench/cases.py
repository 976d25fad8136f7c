"""A case: a net, a batch, forward or training; and the folder of files that each contestant reads it from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from tools.bench import weights
from tools.bench.nets import NETS
from tools.bench.operations import operations

FORWARD, BACKWARD, TRAIN = "forward", "backward", "train"
MODES = (FORWARD, BACKWARD, TRAIN)
Make = Callable[[int, bool], Any]  # of a batch, and whether to train, the net's message
NET, WEIGHTS, INPUTS, ARRAYS = "net.prototxt", "weights.caffemodel", "inputs.npz", "weights.npz"
RATE, MOMENTUM, DECAY = 1e-4, 0.9, 5e-4  # so low a rate that the net stays what it is


@dataclass(frozen=True)
class Case:
    """What is timed.

    Attributes:
        group: ``nets``, or what grows: ``batch``, ``size``, ``depth``.
        net: its name in the tables.
        mode: ``FORWARD``: the deployed net in phase TEST; ``BACKWARD``: forward and backward in phase TRAIN; ``TRAIN``:
            with the update.
        batch: images, or pairs, a pass.
    """

    group: str
    net: str
    mode: str
    batch: int

    def __str__(self) -> str:
        return f"{self.net}, {self.mode}, batch {self.batch}"


def net_cases(names: Sequence[str], modes: Sequence[str], batches: Sequence[int],
              quick: bool) -> list[tuple[Case, Make]]:
    """The cases of these nets, each with what makes its net; ``batches`` replaces the nets' own where it has any."""
    return [(Case("nets", name, mode, batch), NETS[name].make)
            for name in names for mode in modes
            for batch in batches or (NETS[name].quick if quick else NETS[name].batches)]


@dataclass(frozen=True)
class Prepared:
    """The files of a case.

    Attributes:
        folder: where they are.
        operations: of an iteration.
        random: whether Dropout in training makes every program's loss another.
    """

    folder: Path
    operations: int
    random: bool


@contextmanager
def prepared(case: Case, make: Make, drawn: Path) -> Iterator[Prepared]:
    """A case's files, for as long as the block runs.

    Args:
        make: of a ``TimedNet``.
        drawn: a folder of weights, drawn once a net.
    """
    train = case.mode != FORWARD
    param = make(case.batch, train)
    param.state.phase = schema.TRAIN if train else schema.TEST
    with TemporaryDirectory(prefix="caffe_lite_bench-") as name:
        folder = Path(name)
        schema.write_text(folder / NET, param)
        source = drawn / case.net
        if not source.is_dir():
            source.mkdir(parents=True)
            message = weights.draw_weights(make(weights.BATCH, True))
            schema.write_binary(source / WEIGHTS, message)
            np.savez(source / ARRAYS, allow_pickle=False, **weights.arrays(message))
        for file in (WEIGHTS, ARRAYS):
            (folder / file).symlink_to(source / file)
        net = Net(param)
        weights.fill_inputs(net, np.random.default_rng(weights.SEED))
        np.savez(folder / INPUTS, allow_pickle=False, **{name: net.blobs[name].data for name in net.inputs})
        random = train and any(layer.type == "Dropout" for layer in net.layers)
        ready = Prepared(folder, operations(net, train), random)
        del net  # only the contestants need memory now
        yield ready
