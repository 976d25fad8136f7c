"""Image files for tests; those that use them are skipped where Pillow is missing."""

from __future__ import annotations

import io

import numpy as np
import pytest


def encoded(pixels, kind="PNG"):
    """The bytes of an image file, from uint8 (channels, height, width), blue first."""
    image = pytest.importorskip("PIL.Image", reason="Pillow, which reads and writes images, is not installed")
    planes = pixels[::-1].transpose(1, 2, 0) if len(pixels) == 3 else pixels[0]
    file = io.BytesIO()
    image.fromarray(np.ascontiguousarray(planes)).save(file, kind)
    return file.getvalue()


def write_images(folder, images):
    """Write image i to ``i.png``."""
    for i, pixels in enumerate(images):
        (folder / f"{i}.png").write_bytes(encoded(pixels))


def pictures(*shapes, seed=0):
    """Images of these shapes, uint8 (channels, height, width), no two alike."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, shape, np.uint8) for shape in shapes]
