"""``convert_mnist_siamese_data``: a LevelDB of pairs of MNIST digits, for the siamese tutorial.

As ``examples/siamese/convert_mnist_siamese_data.cpp`` makes it, with a seed added.
"""

from __future__ import annotations

import logging

from caffe_lite.commands import Call, Flag, usage_error

log = logging.getLogger(__name__)

USAGE = """IMAGES LABELS DATABASE
Make a LevelDB of pairs of MNIST digits, as many as there are digits, that trains a siamese net.
`caffe_lite get_mnist` fetches the files."""
FLAGS = (Flag("seed", -1, "Draw the same pairs each time; a negative number draws new ones"),)


def run(call: Call) -> int:
    """Record n of ``DATABASE``: key ``%08d`` of n, a Datum of two channels, a random digit each; its
    label is 1 when both show the same digit and else 0.

    Raises:
        DataError: a file cannot be read, or the database is there already.
        DependencyError: plyvel is not installed.
    """
    if len(call.args) != 3:
        raise usage_error("convert_mnist_siamese_data", USAGE, call.args)
    from caffe_lite import schema
    from caffe_lite.rng import Rng
    from caffe_lite.sources.database import create_database
    from caffe_lite.sources.idx import read_pair

    images, labels = read_pair(*call.args[:2])
    count, rows, cols = images.shape
    rng = Rng(call.flags.seed if call.flags.seed >= 0 else None)
    with create_database(call.args[2], "leveldb") as put, call.progress(count, "pairs", "Pairing") as bar:
        log.info("A total of %d items.", count)
        log.info("Rows: %d Cols: %d", rows, cols)
        datum = schema.Datum(channels=2, height=rows, width=cols)
        for item in range(count):
            i, j = rng.rand() % count, rng.rand() % count
            datum.data = images[i].tobytes() + images[j].tobytes()
            datum.label = int(labels[i] == labels[j])
            put(b"%08d" % item, datum.SerializeToString())
            if (item + 1) % 1000 == 0:
                bar.at(item + 1)
    return 0
