"""DetectionOutput: from what each box says to the objects that are there."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import CaffeError, DataError, GraphError, ParameterError, ShapeError
from caffe_lite.kernels.boxes import CORNER, decode_all, first_empty, suppress
from caffe_lite.layers.base import Layer
from caffe_lite.layers.forks.detection_files import DetectionFiles
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for

log = logging.getLogger(__name__)


@register("DetectionOutput")
class DetectionOutputLayer(Layer):
    """Bottoms as MultiBoxLoss has them, with probabilities for confidences, and no objects. Top: ``(1, 1, detections,
    7)``: image, label, score, xmin, ymin, xmax, ymax.

    For each class but the background, of the boxes with a score above ``confidence_threshold`` the best
    ``nms_param.top_k`` go through non-maximum suppression; of an image, the best ``keep_top_k`` are
    kept. Where nothing is found in the batch, there is a row of -1 for each image, with its number. With
    ``save_output_param`` the detections go to files too.

    Source: SSD's detection_output_layer.cpp; Liu et al., "SSD: single shot multibox detector", 2016.

    Raises:
        DataError: in ``forward``, when a prior box has no size.
    """

    bottoms = (3, 4)

    def allow_force_backward(self, index: int) -> bool:
        return False

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.detection_output_param
        nms, save = param.nms_param, param.save_output_param
        if param.num_classes < 1:
            self.fail(ParameterError, f"num_classes must be 1 or more, found {param.num_classes}")
        if nms.nms_threshold < 0 or not 0 < nms.eta <= 1:
            self.fail(ParameterError, "nms_threshold must not be negative, and eta in (0, 1]; found "
                      f"{nms.nms_threshold:g} and {nms.eta:g}")
        if param.visualize:
            log.warning("layer %s (%s): visualize is ignored, there is no window here", self.name, self.type)
        self._labels = [label for label in range(param.num_classes) if label != param.background_label_id]
        self._threshold = param.confidence_threshold if param.HasField("confidence_threshold") else -np.inf
        self._files: DetectionFiles | None = None
        if save.output_directory and save.label_map_file and save.name_size_file:
            try:
                self._files = DetectionFiles(save, self._labels, self.context.named_by)
            except CaffeError as error:
                self.fail(type(error), str(error))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, names = self.param.detection_output_param, self.param.bottom
        loc, prior = bottom[0].shape, bottom[2].shape
        if len(prior) < 3 or bottom[2].count != 2 * prior[2] or prior[2] % 4:
            self.fail(ShapeError, f"the prior boxes {names[2]!r} must be of shape (1, 2, boxes * 4), found {prior}")
        places = 1 if param.share_location else param.num_classes
        num, boxes = loc[0] if loc else 0, prior[2] // 4
        for index, size in enumerate((places * 4, param.num_classes)):
            if bottom[index].count != num * boxes * size:
                self.fail(ShapeError, f"bottom {names[index]!r} of shape {bottom[index].shape} must have {size} "
                          f"numbers for each of the {boxes} prior boxes in {names[2]!r} and of the {num} images")
        self._view = (num, boxes, places, 4)
        self._decoded = np.zeros((num, places, boxes, 4), self.context.dtype)
        self._kept = np.empty(boxes, np.int64)
        top[0].reshape((1, 1, 1, 7))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, (num, boxes, places, _) = self.param.detection_output_param, self._view
        priors, variances = bottom[2].data.reshape(2, boxes, 4)
        if param.code_type != CORNER and (bad := first_empty(priors)) >= 0:
            self.fail(DataError, f"prior box {bad} of {self.param.bottom[2]!r} has no size: {priors[bad].tolist()}")
        parallel_for(decode_all, num * places, param.code_type, priors, variances, param.variance_encoded_in_target,
                     -1 if param.share_location else param.background_label_id, bottom[0].data.reshape(self._view),
                     self._decoded)
        scores = bottom[1].data.reshape(num, boxes, param.num_classes)
        found = np.concatenate([self._image(n, scores[n]) for n in range(num)])
        if self._files:
            for n in range(num):
                mine = found[found[:, 0] == n]
                self._files.add(mine[:, 1], mine[:, 2], mine[:, 3:])
        if not len(found):
            log.info("Couldn't find any detections")
            found = np.full((num, 7), -1, found.dtype)
            found[:, 0] = np.arange(num)
        top[0].reshape((1, 1, *found.shape))
        top[0].data[...] = found

    def _image(self, n: int, scores: Array) -> Array:
        """The detections of an image, ``(detections, 7)``, by rising label and falling score."""
        rows = [np.empty((0, 7), scores.dtype)]
        for label in self._labels:
            boxes = self._decoded[n, 0 if self.param.detection_output_param.share_location else label]
            kept = self._suppress(boxes, scores[:, label])
            row = np.empty((len(kept), 7), scores.dtype)
            row[:, 0], row[:, 1], row[:, 2], row[:, 3:] = n, label, scores[kept, label], boxes[kept]
            rows.append(row)
        found, most = np.concatenate(rows), self.param.detection_output_param.keep_top_k
        if -1 < most < len(found):
            best = np.argsort(-found[:, 2], kind="stable")[:most]
            found = found[best[np.argsort(found[best, 1], kind="stable")]]
        return found

    def _suppress(self, boxes: Array, scores: Array) -> Array:
        nms, number = self.param.detection_output_param.nms_param, self.context.dtype
        order = np.flatnonzero(scores > number(self._threshold))
        order = order[np.argsort(-scores[order], kind="stable")]
        if nms.HasField("top_k") and nms.top_k > -1:
            order = order[: nms.top_k]
        count = suppress(boxes, order, number(nms.nms_threshold), number(nms.eta), number(0), len(boxes), self._kept)
        return self._kept[:count].copy()

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if any(propagate_down):
            self.fail(GraphError, "detections have no gradient; set propagate_down: false for each bottom")
