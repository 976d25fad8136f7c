"""Matches of boxes with objects, and negatives: what the losses of a batch are computed for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.kernels.boxes import confidence_losses, decode_all, encode_matches, match_images
from caffe_lite.layers.forks.multibox_mining import mine
from caffe_lite.layers.forks.multibox_objects import Objects
from caffe_lite.parallel import PerThread, parallel_for, threads
from caffe_lite.schema import MultiBoxLossParameter as Parameter

GRAIN = 1 << 10  # boxes worth a thread


@dataclass(frozen=True)
class Batch:
    """What the bottoms of a MultiBoxLoss hold.

    Attributes:
        loc: ``(num, boxes, location classes, 4)``; conf: ``(num * boxes, classes)``.
        priors, variances: ``(boxes, 4)``.
    """

    loc: Array
    conf: Array
    priors: Array
    variances: Array
    objects: Objects


class Matcher:
    """Finds out which boxes count, by a ``MultiBoxLossParameter``.

    Attributes, of the last batch:
        rows: image, location class, box and object of each match.
        counted: the rows of ``conf`` that count, image by image, matches before negatives; with their ``labels``.
    """

    def __init__(self, param: Any) -> None:
        self._param = param
        self._by_prior = param.use_prior_for_matching
        self._mines = param.mining_type != Parameter.NONE
        needs_nms = self._mines and param.HasField("nms_param") and not param.use_prior_for_nms
        self._decodes = not self._by_prior or needs_nms

    def reshape(self, num: int, boxes: int, classes: int, dtype: Any) -> None:
        self._match = np.empty((num, classes, boxes), np.int64)
        self._best = np.empty(self._match.shape, dtype)
        self._decoded = np.zeros((*self._match.shape, 4) if self._decodes else (0, 0, 0, 4), dtype)
        self._losses = np.empty((num, boxes) if self._mines else (0, 0), dtype)

    def find(self, batch: Batch) -> None:
        param, loc, objects, number = self._param, batch.loc, batch.objects, batch.loc.dtype.type
        num, boxes, classes, _ = loc.shape
        if self._decodes:
            parallel_for(decode_all, num * classes, param.code_type, batch.priors, batch.variances,
                         param.encode_variance_in_target, -1 if param.share_location else param.background_label_id,
                         loc, self._decoded)
        self._boxes = batch.priors[None, None] if self._by_prior else self._decoded
        room = PerThread([np.empty(boxes * objects.most, number) for _ in range(threads())])
        parallel_for(match_images, num, self._boxes, objects.boxes, objects.labels, objects.starts, self._by_prior,
                     param.share_location, param.background_label_id, number(param.overlap_threshold),
                     param.match_type == Parameter.PER_PREDICTION, param.ignore_cross_boundary_bbox,
                     np.empty(len(objects.labels), np.bool_), room, self._match, self._best)
        negatives = self._mine(batch) if self._mines else np.empty(0, np.int64)
        image, location, box = np.nonzero(self._match >= 0)
        self.rows = np.stack([image, location, box, self._match[image, location, box]])
        counted = np.concatenate([image * boxes + box, negatives])
        labels = np.full(len(counted), param.background_label_id, np.int64)
        labels[: len(image)] = objects.labels[self.rows[3]]
        order = np.lexsort((np.arange(len(counted)) >= len(image), counted // boxes))
        self.counted, self.labels = counted[order], labels[order]

    def encode(self, batch: Batch, prediction: Array, target: Array) -> None:
        """What the matches' predictions say and what they should, ``(matches, 4)``."""
        self._encode(batch, self.rows, prediction, target)

    def _encode(self, batch: Batch, rows: Array, prediction: Array, target: Array) -> None:
        param = self._param
        parallel_for(encode_matches, rows.shape[1], param.code_type, batch.priors, batch.variances,
                     param.encode_variance_in_target, param.bp_inside, self._boxes, self._by_prior, batch.objects.boxes,
                     rows, batch.loc, prediction, target, grain=GRAIN)

    def _mine(self, batch: Batch) -> Array:
        """The negatives as rows of ``conf``; matches that are not picked are undone."""
        param, match, number = self._param, self._match[:, 0], batch.loc.dtype.type
        label = np.full(match.shape, param.background_label_id, np.int64)
        label[match >= 0] = batch.objects.labels[match[match >= 0]]
        smallest = number(np.finfo(np.float32).tiny)
        parallel_for(confidence_losses, label.size, batch.conf, label.reshape(-1),
                     param.conf_loss_type == Parameter.LOGISTIC, smallest, self._losses.reshape(-1), grain=GRAIN)
        if param.mining_type == Parameter.HARD_EXAMPLE:
            self._add_location_losses(batch)
        negatives = [np.empty(0, np.int64)]
        for n in np.flatnonzero(np.diff(batch.objects.starts)):
            boxes = self._decoded[n, 0] if self._decodes and not param.use_prior_for_nms else batch.priors
            negatives.append(n * match.shape[1] + mine(param, self._losses[n], boxes, match[n], self._best[n, 0]))
        return np.concatenate(negatives)

    def _add_location_losses(self, batch: Batch) -> None:
        image, location, box = np.nonzero(self._match >= 0)
        prediction, target = np.empty((2, len(image), 4), batch.loc.dtype)
        rows = np.stack([image, location, box, self._match[image, location, box]])
        self._encode(batch, rows, prediction, target)
        d = np.abs(prediction - target)
        smooth = self._param.loc_loss_type == Parameter.SMOOTH_L1
        self._losses[image, box] += np.where((d < 1) | (not smooth), d * d / 2, d - d.dtype.type(0.5)).sum(axis=1)
