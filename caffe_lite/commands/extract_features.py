"""``extract_features``: what a net computes from a data layer's items, in databases.

As ``tools/extract_features.cpp`` makes them. Its lines are errors in the log, as Caffe's are, which says nothing else
on standard error.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from caffe_lite.commands import Call, usage_error
from caffe_lite.commands.caffe import choose_device
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import FlagError, GraphError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from caffe_lite.blob import Blob

log = logging.getLogger(__name__)

USAGE = """WEIGHTS NET BLOB[,BLOB2,...] DATABASE[,DATABASE2,...] NUM_MINI_BATCHES DB_TYPE [CPU/GPU] [DEVICE_ID=0]
Run a net, a prototxt with a data layer, in its TEST phase with trained weights, and store a blob for each item of so
many batches. DB_TYPE is lmdb or leveldb. Several blobs go into as many databases; their names are separated by ','."""
FLAGS = LIMITS
TOLD = 1000  # a line in the log each so many items


@limited
def run(call: Call) -> int:
    """Record i of a database: key ``%010d`` of i, a Datum of floats, the blob's part for item i.

    Raises:
        FlagError: not as many databases as blobs, or no number of batches.
        CaffeError: the net cannot be built or has no such blob, or a database cannot be written.
    """
    if not 6 <= len(call.args) <= 8:
        raise usage_error("extract_features", USAGE, call.args)
    weights, model, blobs, databases, batches, backend, *device = call.args
    names, targets = blobs.split(","), databases.split(",")
    if len(names) != len(targets):
        raise FlagError(f"the number of blob names and dataset names must be equal, found {len(names)} ({blobs}) and "
                        f"{len(targets)} ({databases})")
    if not batches.isdecimal():
        raise FlagError(f"NUM_MINI_BATCHES is a number, found {batches}")
    _choose(device)
    from caffe_lite import schema
    from caffe_lite.net import Net
    from caffe_lite.sources.database import create_database

    net = Net.from_file(model, schema.TEST, weights=weights)
    try:
        for name in names:
            if name not in net.blobs:
                raise GraphError(f"Unknown feature blob name {name} in the network {model}; it has "
                                 f"{', '.join(net.blobs)}")
        with ExitStack() as stack:
            writers = []
            for name, target in zip(names, targets, strict=True):
                log.info("Opening dataset %s", target)
                put = stack.enter_context(create_database(target, backend))
                writers.append(_Writer(name, net.blobs[name], put))
            log.error("Extracting Features")
            bar = stack.enter_context(call.progress(int(batches), "batches", "Extracting"))
            for _ in range(int(batches)):
                net.forward()
                for writer in writers:
                    writer.write()
                bar.update()
            for writer in writers:
                writer.tell()
    finally:
        net.close()
    log.error("Successfully extracted the features!")
    return 0


def _choose(device: list[str]) -> None:
    if device[:1] == ["GPU"]:
        choose_device(device[1].removeprefix("DEVICE_ID=") if len(device) > 1 else "0", strict=False)
    else:
        log.error("Using CPU")


class _Writer:
    """Puts a blob's items into a database, batch after batch."""

    def __init__(self, name: str, blob: Blob, put: Callable[[bytes, bytes], None]) -> None:
        self._name, self._blob, self._put, self._count = name, blob, put, 0

    def write(self) -> None:
        """Take what the blob holds now."""
        shape = self._blob.shape
        if len(shape) > 4:
            raise ShapeError(f"the feature blob {self._name} has the shape {shape}: a Datum has room for 4 axes")
        items, *sizes = *shape, *(1,) * (4 - len(shape))
        for values in self._blob.data.reshape(items, -1):
            self._put(b"%010d" % self._count, _datum(sizes, values))
            self._count += 1
            if self._count % TOLD == 0:
                self.tell()

    def tell(self) -> None:
        log.error("Extracted features of %d query images for feature blob %s", self._count, self._name)


def _datum(sizes: list[int], values: Any) -> bytes:
    """The bytes of a Datum; a tag before each number, written at once."""
    import numpy as np

    from caffe_lite import schema

    channels, height, width = sizes
    header = schema.Datum(channels=channels, height=height, width=width).SerializeToString()
    numbers = np.empty((values.size, 5), np.uint8)
    numbers[:, 0] = schema.Datum.FLOAT_DATA_FIELD_NUMBER << 3 | 5
    numbers[:, 1:] = values.astype("<f4").view(np.uint8).reshape(-1, 4)
    return header + numbers.tobytes()
