"""What becomes of the objects of an image that is cut, enlarged, resized or mirrored.

Objects are float32 rows as in ``annotated``; a frame is the part of the image that is left, xmin, ymin, xmax, ymax in
units of the old one. Source: SSD's bbox_util.cpp and data_transformer.cpp.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.schema import EmitConstraint
from caffe_lite.sources.annotated import BOX

Array = np.ndarray[Any, Any]


def areas(boxes: Array) -> Array:
    """0 for a box that ends before it begins."""
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def intersections(boxes: Array, frame: Array) -> Array:
    """The areas that boxes and frame share."""
    low, high = np.maximum(boxes[:, :2], frame[:2]), np.minimum(boxes[:, 2:], frame[2:])
    return np.prod(np.maximum(high - low, 0), axis=1)


def in_frame(objects: Array, frame: Array, constraint: Any | None) -> Array:
    """The objects that are still seen, cut off, in units of the frame.

    Args:
        constraint: the ``EmitConstraint`` of objects to keep, or None for all.
    """
    boxes = objects[:, BOX]
    seen = (boxes[:, :2] < frame[2:]).all(axis=1) & (boxes[:, 2:] > frame[:2]).all(axis=1)
    if constraint is not None:
        seen &= _kept(boxes, frame, constraint)
    size = np.tile(frame[2:] - frame[:2], 2)
    result = objects.copy()
    result[:, BOX] = np.clip((boxes - np.tile(frame[:2], 2)) / size, 0, 1)
    return result[seen & (areas(result[:, BOX]) > 0)]


def _kept(boxes: Array, frame: Array, constraint: Any) -> Any:
    if constraint.emit_type == EmitConstraint.CENTER:
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        return np.all((centers >= frame[:2]) & (centers <= frame[2:]), axis=1)
    size = areas(boxes)
    covered = np.divide(intersections(boxes, frame), size, out=np.zeros_like(size), where=size > 0)
    return covered > np.float32(constraint.emit_overlap)


def mirrored(objects: Array) -> Array:
    """Left and right exchanged."""
    result = objects.copy()
    result[:, BOX] = np.stack([1 - objects[:, 4], objects[:, 3], 1 - objects[:, 2], objects[:, 5]], axis=1)
    return result
