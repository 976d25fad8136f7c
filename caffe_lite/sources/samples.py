"""Random pieces of an image: expanded and sampled, as SSD's training wants them. Source: SSD's sampler.cpp and
data_transformer.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from caffe_lite.errors import ParameterError
from caffe_lite.rng import Rng
from caffe_lite.sources.annotated import BOX, Annotated
from caffe_lite.sources.images import check_pixels
from caffe_lite.sources.object_boxes import areas, in_frame, intersections

Array = np.ndarray[Any, Any]

SAME = 1e-2  # a ratio of so little over 1 expands nothing


def check_sampler(sampler: Any) -> None:
    """Raise ``ParameterError`` unless something can be drawn from a ``Sampler``."""
    low, high = sampler.min_scale, sampler.max_scale
    narrow, wide = sampler.min_aspect_ratio, sampler.max_aspect_ratio
    if not 0 < low <= high <= 1 or not 0 < narrow <= wide:
        raise ParameterError(f"a sampler needs 0 < min_scale <= max_scale <= 1 and 0 < min_aspect_ratio <= "
                             f"max_aspect_ratio, found {low:g}, {high:g}, {narrow:g} and {wide:g}")


def expand(item: Annotated, param: Any, fill: Array, constraint: Any | None, rng: Rng) -> Annotated:
    """The image at a random place on a larger canvas, by an ``ExpansionParameter``.

    Args:
        fill: the canvas's colour, for each channel.
        constraint: an ``EmitConstraint``, or None.
    """
    if _draw(rng, 0, 1) > param.prob or abs(param.max_expand_ratio - 1) < SAME:
        return item
    ratio = _draw(rng, 1, param.max_expand_ratio)
    channels, height, width = item.image.shape
    new_height, new_width = int(np.float32(height) * ratio), int(np.float32(width) * ratio)
    check_pixels(new_height, new_width)
    top, left = (int(_draw(rng, 0, extra)) for extra in (new_height - height, new_width - width))
    canvas = np.empty((channels, new_height, new_width), np.uint8)
    canvas[...] = np.clip(np.rint(fill), 0, 255)[:, None, None]
    canvas[:, top : top + height, left : left + width] = item.image
    frame = np.array([-left, -top, new_width - left, new_height - top], np.float32)
    frame /= np.array([width, height] * 2, np.float32)
    return replace(item, image=canvas, objects=in_frame(item.objects, frame, constraint))


def sample(item: Annotated, samplers: Sequence[Any], constraint: Any | None, rng: Rng) -> Annotated:
    """One of the pieces that ``BatchSampler`` messages found, or the image itself where they found none."""
    frames = [frame for sampler in samplers if sampler.use_original_image for frame in _frames(item, sampler, rng)]
    return cut(item, frames[rng.rand() % len(frames)], constraint) if frames else item


def cut(item: Annotated, frame: Array, constraint: Any | None) -> Annotated:
    """The part of the image inside of a frame, and what is left of the objects."""
    _, height, width = item.image.shape
    frame = np.clip(frame, 0, 1)
    x1, y1, x2, y2 = frame * np.array([width, height] * 2, np.float32)
    left, top = min(int(x1), width - 1), min(int(y1), height - 1)
    image = item.image[:, top : top + max(1, int(y2 - y1)), left : left + max(1, int(x2 - x1))]
    return replace(item, image=image, objects=in_frame(item.objects, frame, constraint))


def _frames(item: Annotated, sampler: Any, rng: Rng) -> list[Array]:
    found: list[Array] = []
    for _ in range(sampler.max_trials):
        if sampler.HasField("max_sample") and len(found) >= sampler.max_sample:
            break
        frame = _draw_frame(sampler.sampler, rng)
        if _satisfies(frame, item.objects[:, BOX], sampler.sample_constraint):
            found.append(frame)
    return found


def _draw_frame(sampler: Any, rng: Rng) -> Array:
    scale = _draw(rng, sampler.min_scale, sampler.max_scale)
    ratio = _draw(rng, sampler.min_aspect_ratio, sampler.max_aspect_ratio)
    ratio = min(max(ratio, scale**2), 1 / scale**2)
    size = np.minimum([scale * np.sqrt(ratio), scale / np.sqrt(ratio)], 1).astype(np.float32)
    corner = np.array([_draw(rng, 0, 1 - size[0]), _draw(rng, 0, 1 - size[1])], np.float32)
    return np.concatenate([corner, corner + size])


def _satisfies(frame: Array, boxes: Array, constraint: Any) -> bool:
    """Whether a box keeps to the limits of the first kind that is given; the fork's code comes to that."""
    for name, of in (("jaccard_overlap", None), ("sample_coverage", frame[None]), ("object_coverage", boxes)):
        least, most = f"min_{name}", f"max_{name}"
        if constraint.HasField(least) or constraint.HasField(most):
            common = intersections(boxes, frame)
            whole = areas(of) if of is not None else areas(boxes) + areas(frame) - common
            value = np.divide(common, whole, out=np.zeros_like(common), where=common > 0)
            good = np.ones(len(boxes), bool)
            if constraint.HasField(least):
                good &= value >= np.float32(getattr(constraint, least))
            if constraint.HasField(most):
                good &= value <= np.float32(getattr(constraint, most))
            return bool(good.any())
    return True


def _draw(rng: Rng, low: float, high: float) -> np.float32:
    return np.float32(rng.uniform(low, max(low, high), 1)[0])
