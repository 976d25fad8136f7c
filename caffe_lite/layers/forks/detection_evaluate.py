"""DetectionEvaluate: which detections are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import CaffeError, DataError, GraphError, ParameterError, ShapeError
from caffe_lite.files import locate
from caffe_lite.kernels.boxes import overlap
from caffe_lite.layers.base import Layer, Position
from caffe_lite.layers.forks.detection_pixels import read_sizes, to_pixels
from caffe_lite.layers.forks.multibox_objects import BOX, DIFFICULT, IMAGE, LABEL
from caffe_lite.layers.registry import register


@register("DetectionEvaluate")
class DetectionEvaluateLayer(Layer):
    """Bottoms: detections, ``(1, 1, detections, 7)``, and objects, ``(1, 1, objects, 8)``. Top: ``(1, 1, rows, 5)``.

    First a row for each class but the background: -1, label, number of objects, -1, -1. Then one for each detection, by
    image, label and falling score: image, label, score, 1 and 0 if it is right or 0 and 1 if it is wrong. It is right
    if the object of its class that it overlaps most, by ``overlap_threshold`` at least, has not been found before.
    Difficult objects count unless ``evaluate_difficult_gt`` is false; detections of them are then neither: 0 and 0.
    With a ``name_size_file`` boxes are compared in pixels.

    Source: SSD's detection_evaluate_layer.cpp.

    Raises:
        ParameterError: ``num_classes`` or ``overlap_threshold`` is none.
        ShapeError: the bottoms have other shapes.
        GraphError: a gradient is wanted.
        DataError: in ``forward``, when an object has the background's label.
    """

    bottoms = (2, 2)

    def allow_force_backward(self, index: int) -> bool:
        return False

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.detection_evaluate_param
        if param.num_classes < 1:
            self.fail(ParameterError, f"num_classes must be 1 or more, found {param.num_classes}")
        if not param.overlap_threshold > 0:
            self.fail(ParameterError, f"overlap_threshold must be larger than 0, found {param.overlap_threshold:g}")
        self._labels = [label for label in range(param.num_classes) if label != param.background_label_id]
        self._resize = param.resize_param if param.HasField("resize_param") else None
        self._images: list[tuple[str, int, int]] = []
        self._image = 0
        if param.name_size_file:
            try:
                self._images = read_sizes(locate(param.name_size_file, self.context.named_by))
            except CaffeError as error:
                self.fail(type(error), str(error))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for name, blob, columns in zip(self.param.bottom, bottom, (7, 8), strict=True):
            if len(blob.shape) != 4 or (*blob.shape[:2], blob.shape[3]) != (1, 1, columns):
                self.fail(ShapeError, f"bottom {name!r} must be of shape (1, 1, boxes, {columns}), found {blob.shape}")
        top[0].reshape((1, 1, len(self._labels) + bottom[0].shape[2], 5))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.detection_evaluate_param
        found, objects = (blob.data.reshape(blob.shape[2:]) for blob in bottom)
        found, objects = found[found[:, LABEL] != -1], objects[objects[:, IMAGE] != -1]
        for name, rows in zip(self.param.bottom, (found, objects), strict=True):
            if (rows[:, LABEL] == param.background_label_id).any():
                self.fail(DataError, f"{name!r} has label {param.background_label_id}, which is that of the background")
        counted = objects[:, LABEL] if param.evaluate_difficult_gt else objects[objects[:, DIFFICULT] == 0, LABEL]
        rows = [np.array([[-1, label, (counted == label).sum(), -1, -1] for label in self._labels], found.dtype)]
        for image in np.unique(found[:, IMAGE]):
            for label in np.unique(found[found[:, IMAGE] == image, LABEL]):
                mine, theirs = (a[(a[:, IMAGE] == image) & (a[:, LABEL] == label)] for a in (found, objects))
                rows.append(self._judge(mine[np.argsort(-mine[:, 2], kind="stable")], theirs))
            self._image = (self._image + 1) % max(1, len(self._images))
        result = np.concatenate(rows)
        top[0].reshape((1, 1, *result.shape))
        top[0].data[...] = result

    def position(self) -> Position:
        """The image of ``name_size_file`` that comes next."""
        return {"image": self._image} if self._images else {}

    def go_to(self, position: Position) -> None:
        self._image = position.get("image", 0) % max(1, len(self._images))

    def _judge(self, found: Array, objects: Array) -> Array:
        """The rows for the detections of one image and class."""
        param = self.param.detection_evaluate_param
        rows = np.zeros((len(found), 5), found.dtype)
        rows[:, :3] = found[:, :3]
        boxes, truths = self._in_units(found[:, BOX]), self._in_units(objects[:, BOX])
        seen: set[int] = set()
        for row, box in zip(rows, boxes, strict=True):
            common = [float(overlap(box, truth)) for truth in truths]
            best = int(np.argmax(common)) if common else -1
            if best < 0 or common[best] < np.float32(param.overlap_threshold):
                row[4] = 1
            elif param.evaluate_difficult_gt or objects[best, DIFFICULT] == 0:
                row[4 if best in seen else 3] = 1
                seen.add(best)
        return rows

    def _in_units(self, boxes: Array) -> Array:
        if not self._images:
            return np.ascontiguousarray(boxes)
        _, height, width = self._images[self._image]
        return to_pixels(boxes, height, width, self._resize) + np.array([0, 0, 1, 1], boxes.dtype)  # ends are inside

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if any(propagate_down):
            self.fail(GraphError, "an evaluation has no gradient; set propagate_down: false for each bottom")
