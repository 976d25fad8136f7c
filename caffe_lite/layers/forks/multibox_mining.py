"""Which of the boxes a loss is computed for."""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.kernels.boxes import suppress
from caffe_lite.schema import MultiBoxLossParameter

SMALLEST = 1e-5  # the area of a box that suppression looks at


def mine(param: Any, losses: Array, boxes: Array, match: Array, best: Array) -> Array:
    """The negatives of an image, as rising places; matches that were not picked become -1.

    MAX_NEGATIVE picks, of the boxes without an object that overlap none by ``neg_overlap``, those of the largest loss,
    ``neg_pos_ratio`` for each match. HARD_EXAMPLE picks the ``sample_size`` boxes of the largest loss, whatever they
    are. With ``nms_param``, boxes that overlap one of a larger loss are not picked.

    Args:
        param: a ``MultiBoxLossParameter``.
        losses, boxes: of each place.
        match, best: as ``match_images`` gives them, for one image and class.

    Source: ``MineHardExamples`` in SSD's bbox_util.cpp.
    """
    hard = param.mining_type == MultiBoxLossParameter.HARD_EXAMPLE
    if hard:
        candidates, most = np.arange(len(match)), param.sample_size
    else:
        candidates = np.flatnonzero((match == -1) & (best < np.float32(param.neg_overlap)))
        most = int(np.float32((match >= 0).sum()) * np.float32(param.neg_pos_ratio))
    order = candidates[np.argsort(-losses[candidates], kind="stable")]
    if param.HasField("nms_param") and param.nms_param.nms_threshold > 0:
        order = _suppress(param.nms_param, boxes, order)
    picked = np.zeros(len(match), bool)
    picked[order[:most]] = True
    negatives = np.flatnonzero(picked & (match == -1))
    if hard:
        match[~picked & (match >= 0)] = -1
    return negatives


def _suppress(param: Any, boxes: Array, order: Array) -> Array:
    if param.top_k > -1:
        order = order[: param.top_k]
    kept = np.empty(len(order), np.int64)
    threshold, smallest = (boxes.dtype.type(number) for number in (param.nms_threshold, SMALLEST))
    return kept[: suppress(boxes, order, threshold, boxes.dtype.type(1), smallest, len(order), kept)]
