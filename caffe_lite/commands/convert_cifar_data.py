"""``convert_cifar_data``: databases of the CIFAR-10 images.

As ``examples/cifar10/convert_cifar_data.cpp`` makes them.
"""

from __future__ import annotations

import logging
import os

from caffe_lite.commands import Bar, Call, usage_error

log = logging.getLogger(__name__)

USAGE = """INPUT_FOLDER OUTPUT_FOLDER DB_TYPE
Makes OUTPUT_FOLDER/cifar10_train_DB_TYPE and OUTPUT_FOLDER/cifar10_test_DB_TYPE; DB_TYPE is lmdb or leveldb.
INPUT_FOLDER has the binary version of CIFAR-10, unpacked: data_batch_1.bin to data_batch_5.bin and
test_batch.bin, from http://www.cs.toronto.edu/~kriz/cifar.html."""
FLAGS = ()


def run(call: Call) -> int:
    """Record i: key ``%05d`` of i, a Datum of three channels.

    Raises:
        DataError: a file cannot be read, or a database is there already.
        DependencyError: the package for the backend is not installed.
    """
    if len(call.args) != 3:
        raise usage_error("convert_cifar_data", USAGE, call.args)
    from caffe_lite.sources import cifar

    folder, output, backend = call.args
    with call.progress(cifar.IMAGES * (len(cifar.TRAIN) + 1), "images", "Converting") as bar:
        for part, names in (("train", cifar.TRAIN), ("test", (cifar.TEST,))):
            log.info("Writing %sing data", part.capitalize())
            paths = [os.path.join(folder, name) for name in names]
            _convert(paths, os.path.join(output, f"cifar10_{part}_{backend}"), backend, bar)
    return 0


def _convert(paths: list[str], database: str, backend: str, bar: Bar) -> None:
    from caffe_lite import schema
    from caffe_lite.sources import cifar
    from caffe_lite.sources.database import create_database

    datum = schema.Datum(channels=cifar.CHANNELS, height=cifar.SIZE, width=cifar.SIZE)
    with create_database(database, backend) as put:
        log.info("Opened %s %s", backend, database)
        for batch, path in enumerate(paths):
            if len(paths) > 1:
                log.info("Training Batch %d", batch + 1)
            for item, (image, label) in enumerate(zip(*cifar.read_batch(path), strict=True)):
                datum.data, datum.label = image.tobytes(), int(label)
                put(b"%05d" % (batch * cifar.IMAGES + item), datum.SerializeToString())
            bar.update(cifar.IMAGES)
