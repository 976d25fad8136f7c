"""ImageData: batches of image files, named in a list with their labels."""

from __future__ import annotations

import logging

from caffe_lite.errors import DataError, ParameterError
from caffe_lite.files import locate
from caffe_lite.layers.prefetching import ItemLoader, Loader, PrefetchingLayer
from caffe_lite.layers.registry import register
from caffe_lite.rng import Rng
from caffe_lite.share import share_of
from caffe_lite.sources.image_list import ImageList, read_image_list
from caffe_lite.sources.transformer import Transformer

log = logging.getLogger(__name__)


@register("ImageData")
class ImageDataLayer(PrefetchingLayer):
    """``top[0]``: (batch_size, channels, height, width) pixels; ``top[1]``: (batch_size,) labels.

    The images, resized to ``new_height`` x ``new_width`` where these are given, come in the list's order, or with
    ``shuffle`` in a new random one each time around; with ``rand_skip`` as many are left out at first as a random
    number below it says. All images of a batch have the size of its first; batches may differ.
    In a training of several processes all have one order, and each reads its share of it.
    Source: Caffe's ``image_data_layer.cpp``.

    Raises:
        DataError: the list or an image cannot be read.
        DependencyError: Pillow is not installed.
    """

    def start(self, transformer: Transformer) -> tuple[Loader, tuple[int, ...]]:
        param, rng = self.param.image_data_param, self.context.rng
        if bool(param.new_height) != bool(param.new_width):
            raise ParameterError(
                f"new_height is {param.new_height} and new_width {param.new_width}: Current implementation requires "
                "new_height and new_width to be set at the same time"
            )
        for name in ("source", "batch_size"):
            if not getattr(param, name):
                raise ParameterError(f"image_data_param {{ {name} }} is missing or 0; give one")
        source = locate(param.source, self.context.named_by)
        log.info("Opening file %s", source)
        images = read_image_list(source)
        shuffler = None
        if param.shuffle:
            log.info("Shuffling data")
            shuffler = Rng(rng.rand())
        log.info("A total of %d images.", len(images))
        skip = 0
        if param.rand_skip:
            skip = rng.rand() % param.rand_skip
            log.info("Skipping first %d data points.", skip)
            if skip >= len(images):
                raise DataError(
                    f"{source}: Not enough points to skip: {skip} of {len(images)} images; give a rand_skip of "
                    f"{len(images)} or less"
                )
        listed = ImageList(param, source, images, skip, shuffler)
        share = share_of(self.context.phase)
        listed.take_share(share.rank, share.count)
        loader = ItemLoader(listed, transformer, self.tolerance)
        loader.first()
        return loader, (param.batch_size, *loader.shape)
