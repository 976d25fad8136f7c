"""How time and memory grow: with the batch, the image, the depth."""

from __future__ import annotations

from functools import partial

from tools.bench.cases import TRAIN, Case, Make
from tools.bench.nets import NETS
from tools.bench.nets.resnet import BLOCKS_50, resnet

BATCHES = (1, 4, 16, 64, 256)
SIZES = (64, 96, 128, 192)
DEPTHS = {14: (1, 1, 1, 1), 26: (2, 2, 2, 2), 50: BLOCKS_50, 101: (3, 4, 23, 3)}
SMALL, FEW = 64, 4  # the image and the batch of the others


def growth_cases(quick: bool) -> list[tuple[Case, Make]]:
    """Training: the siamese net with more and more pairs, a residual net with larger images, and one with more
    layers; each with what makes its net. A quick run has every other."""
    found: list[tuple[Case, Make]] = [(Case("batch", "siamese", TRAIN, batch), NETS["siamese"].make)
                                      for batch in BATCHES]
    found += [(Case("size", f"resnet14, {size} x {size}", TRAIN, FEW), partial(resnet, blocks=DEPTHS[14], size=size))
              for size in SIZES]
    found += [(Case("depth", f"resnet{depth}, {SMALL} x {SMALL}", TRAIN, FEW),
               partial(resnet, blocks=blocks, size=SMALL)) for depth, blocks in DEPTHS.items()]
    return found[::2] if quick else found
