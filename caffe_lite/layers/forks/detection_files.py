"""Files of detections, as the benchmarks want them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import DataError, ParameterError
from caffe_lite.files import atomic_write, locate
from caffe_lite.layers.forks.detection_pixels import read_sizes, to_pixels
from caffe_lite.schema import LabelMap, read_text

FORMATS = ("VOC", "COCO", "ILSVRC")


class DetectionFiles:
    """Collects the detections of ``num_test_image`` images, writes them, and starts again.

    VOC: ``PREFIXname.txt`` for each class, lines of image, score and corners. ILSVRC: ``PREFIX.txt``, lines of image,
    label, score and corners. COCO: ``PREFIX.json``, a list of objects; its boxes are corner, width and height.

    Args:
        param: a ``SaveOutputParameter`` with all its names.
        classes: the labels that are detected.
        named_by: the prototxt.

    Raises:
        ParameterError: the format is none, or there are fewer images in the ``name_size_file`` than are to be tested.
        DataError, SchemaError: a file cannot be read, or a class has no name in the ``label_map_file``.

    Source: SSD's detection_output_layer.cpp.
    """

    def __init__(self, param: Any, classes: Sequence[int], named_by: str | os.PathLike[str] | None) -> None:
        if param.output_format not in FORMATS:
            raise ParameterError(f"output_format {param.output_format!r} is not one of {', '.join(FORMATS)}")
        label_map = locate(param.label_map_file, named_by)
        self._names = {item.label: item.name for item in read_text(label_map, LabelMap).item}
        missing = [label for label in classes if label not in self._names]
        if missing:
            raise DataError(f"{label_map}: there is no item for the label(s) {missing}")
        self._images = read_sizes(locate(param.name_size_file, named_by))
        self._count = param.num_test_image if param.HasField("num_test_image") else len(self._images)
        if not 0 < self._count <= len(self._images):
            raise ParameterError(f"num_test_image is {self._count}, but {param.name_size_file} has {len(self._images)} "
                                 "images")
        self._param, self._classes = param, classes
        self._done = 0
        self._found: list[tuple[str, int, float, list[float]]] = []

    def add(self, labels: Array, scores: Array, boxes: Array) -> None:
        """The detections of the next image; boxes are in units of its size."""
        name, height, width = self._images[self._done]
        resize = self._param.resize_param if self._param.HasField("resize_param") else None
        pixels = to_pixels(boxes.astype(np.float64), height, width, resize)
        pixels[:, 2:] -= pixels[:, :2]
        for label, score, box in zip(labels.tolist(), scores.tolist(), pixels.round(2).tolist(), strict=True):
            self._found.append((name, int(label), score, box))
        self._done += 1
        if self._done == self._count:
            self._write()
            self._done, self._found = 0, []

    def _write(self) -> None:
        prefix = os.path.join(self._param.output_directory, self._param.output_name_prefix)
        os.makedirs(self._param.output_directory, exist_ok=True)
        if self._param.output_format == "COCO":
            found = [
                {"image_id": _number(name), "category_id": _number(self._names[label]), "bbox": box, "score": score}
                for name, label, score, box in self._found
            ]
            _write(f"{prefix}.json", json.dumps(found, indent=1) + "\n")
        elif self._param.output_format == "ILSVRC":
            lines = [_line(name, score, box, f"{label} ") for name, label, score, box in self._found]
            _write(f"{prefix}.txt", "".join(lines))
        else:
            for label in self._classes:
                lines = [_line(name, score, box) for name, other, score, box in self._found if other == label]
                _write(f"{prefix}{self._names[label]}.txt", "".join(lines))


def _line(name: str, score: float, box: Sequence[float], label: str = "") -> str:
    x, y, width, height = map(int, box)
    return f"{name} {label}{score:g} {x} {y} {x + width} {y + height}\n"


def _number(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdigit() else text


def _write(path: str, text: str) -> None:
    with atomic_write(path) as file:
        file.write(text.encode())
