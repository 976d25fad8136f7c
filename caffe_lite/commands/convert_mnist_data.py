"""``convert_mnist_data``: a database of the MNIST digits.

As ``examples/mnist/convert_mnist_data.cpp`` makes it.
"""

from __future__ import annotations

import logging

from caffe_lite.commands import Call, Flag, usage_error

log = logging.getLogger(__name__)

USAGE = """IMAGES LABELS DATABASE
Make a database of MNIST digits and their labels, one Datum a digit, that a Data layer reads.
`caffe_lite get_mnist` fetches the files."""
FLAGS = (Flag("backend", "lmdb", "The backend for storing the result: lmdb or leveldb"),)


def run(call: Call) -> int:
    """Record i of ``DATABASE``: key ``%08d`` of i, a Datum of one channel.

    Raises:
        DataError: a file cannot be read, or the database is there already.
        DependencyError: the package for the backend is not installed.
    """
    if len(call.args) != 3:
        raise usage_error("convert_mnist_data", USAGE, call.args)
    from caffe_lite import schema
    from caffe_lite.sources.database import create_database
    from caffe_lite.sources.idx import read_pair

    images, labels = read_pair(*call.args[:2])
    count, rows, cols = images.shape
    with (
        create_database(call.args[2], call.flags.backend) as put,
        call.progress(count, "images", "Converting") as bar,
    ):
        log.info("Opened %s %s", call.flags.backend, call.args[2])
        log.info("A total of %d items.", count)
        log.info("Rows: %d Cols: %d", rows, cols)
        datum = schema.Datum(channels=1, height=rows, width=cols)
        for item in range(count):
            datum.data, datum.label = images[item].tobytes(), int(labels[item])
            put(b"%08d" % item, datum.SerializeToString())
            if (item + 1) % 1000 == 0:
                bar.at(item + 1)
    log.info("Processed %d files.", count)
    return 0
