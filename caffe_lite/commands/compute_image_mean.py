"""``compute_image_mean``: the mean of a database's images.

As ``tools/compute_image_mean.cpp`` computes it.
"""

from __future__ import annotations

import logging

from caffe_lite.commands import Call, Flag, usage_error

log = logging.getLogger(__name__)

USAGE = """INPUT_DB [OUTPUT_FILE]
Compute the mean of all images of a database, pixel by pixel, and that of each channel. OUTPUT_FILE, a .binaryproto,
is what transform_param { mean_file } names; without it the channels' means are only shown (for mean_value)."""
FLAGS = (Flag("backend", "lmdb", "The backend {leveldb, lmdb} containing the images"),)


def run(call: Call) -> int:
    """Compute, write and show the mean.

    Raises:
        DataError: the database cannot be read, or has images of different sizes.
        DependencyError: a package that reads it is not installed.
    """
    if len(call.args) not in (1, 2):
        raise usage_error("compute_image_mean", USAGE, call.args)
    from caffe_lite.sources.mean import channel_means, image_mean, write_mean

    with call.progress(None, "images", "Adding") as bar:
        mean = image_mean(call.args[0], call.flags.backend, bar.update)
    if len(call.args) == 2:
        log.info("Write to %s", call.args[1])
        write_mean(call.args[1], mean)
    log.info("Number of channels: %d", len(mean))
    for channel, value in enumerate(channel_means(mean)):
        log.info("mean_value channel [%d]: %g", channel, value)
    return 0
