"""MultiBoxLoss: how far predicted boxes and classes are from the objects."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import CaffeError, DataError, ParameterError, ShapeError
from caffe_lite.kernels.boxes import CORNER, first_empty
from caffe_lite.layers.forks.multibox_matching import Batch, Matcher
from caffe_lite.layers.forks.multibox_objects import Objects, read_objects
from caffe_lite.layers.forks.multibox_part import Part
from caffe_lite.layers.loss import LossLayer, normalization, normalizer
from caffe_lite.layers.registry import register
from caffe_lite.schema import MultiBoxLossParameter as Parameter

log = logging.getLogger(__name__)


@register("MultiBoxLoss")
class MultiBoxLossLayer(LossLayer):
    """``(loc_weight localization + confidence) / normalizer``.

    Bottoms: what each box says of its place, ``(num, boxes * classes * 4)``, and of its class, ``(num, boxes *
    num_classes)``; the prior boxes and their variances, ``(1, 2, boxes * 4)``; the objects, ``(1, 1, objects, 8)``:
    image, label, instance, xmin, ymin, xmax, ymax, difficult. With ``share_location`` all classes of a box are at one
    place. Boxes are matched with objects (``multibox_matching.py``); the localization loss is over the matches, the
    confidence loss over all boxes or, with mining, over the matches and the worst negatives
    (``multibox_mining.py``). The normalizer is the number of matches unless ``loss_param`` says otherwise, and never
    less than 1. As in the fork, with ``encode_variance_in_target`` the gradient is that of the predictions divided by
    their variances.

    Source: SSD's multibox_loss_layer.cpp and bbox_util.cpp; Liu et al., "SSD: single shot multibox detector", 2016.

    Raises:
        DataError: in ``forward``, when an object has a label that is none, or a prior box no size.
    """

    bottoms = (4, 4)

    def allow_force_backward(self, index: int) -> bool:
        return index < 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.multibox_loss_param
        if not self.param.propagate_down:
            self.param.propagate_down.extend([True, True, False, False])
        self._classes, self._background = param.num_classes, param.background_label_id
        self._mines, self._softmax = param.mining_type != Parameter.NONE, param.conf_loss_type == Parameter.SOFTMAX
        self._mode = normalization(self.param.loss_param)
        self._check()
        smooth = param.loc_loss_type == Parameter.SMOOTH_L1
        self._loc = Part(self, "SmoothL1Loss" if smooth else "EuclideanLoss", "loc", param.loc_weight)
        self._conf = Part(self, "SoftmaxWithLoss" if self._softmax else "SigmoidCrossEntropyLoss", "conf", 1)
        self._matcher = Matcher(param)

    def _check(self) -> None:
        param, classes = self.param.multibox_loss_param, self._classes
        if classes < 1:
            self.fail(ParameterError, "num_classes must be 1 or more, found 0")
        if param.HasField("do_neg_mining"):
            log.warning("do_neg_mining is deprecated, use mining_type instead.")
            if param.do_neg_mining != self._mines:
                self.fail(ParameterError, "do_neg_mining says something else than mining_type; leave do_neg_mining out")
        if self._mines and not param.share_location:
            self.fail(ParameterError, "mining needs share_location: true; or set mining_type: NONE")
        if param.sample_size < 1:
            self.fail(ParameterError, f"sample_size must be 1 or more, found {param.sample_size}")
        if self._background >= classes and (self._softmax or self._mines):
            self.fail(ParameterError, f"background_label_id {self._background} must be one of the {classes} classes, 0 "
                      f"to {classes - 1}")
        if param.map_object_to_agnostic and classes != 2:
            self.fail(ParameterError, f"with map_object_to_agnostic num_classes must be 2, found {classes}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        names, (loc, _, prior, label) = self.param.bottom, (blob.shape for blob in bottom)
        if len(prior) < 3 or bottom[2].count != 2 * prior[2] or prior[2] % 4:
            self.fail(ShapeError, f"the prior boxes {names[2]!r} must be of shape (1, 2, boxes * 4), found {prior}")
        if label[-1:] != (8,):
            self.fail(ShapeError, f"the objects {names[3]!r} must be of shape (1, 1, objects, 8), found {label}")
        places = 1 if self.param.multibox_loss_param.share_location else self._classes
        num, boxes = loc[0], prior[2] // 4
        for index, size in enumerate((places * 4, self._classes)):
            if bottom[index].count != num * boxes * size:
                self.fail(ShapeError, f"bottom {names[index]!r} of shape {bottom[index].shape} must have {size} "
                          f"numbers for each of the {boxes} prior boxes in {names[2]!r}")
        self._view = (num, boxes, places, 4)
        self._matcher.reshape(num, boxes, places, self.context.dtype)
        if not self._mines:
            self._reshape_confidences(num * boxes)
            self._conf.prediction.share_data(bottom[1])
            self._conf.prediction.share_diff(bottom[1])

    def _reshape_confidences(self, count: int) -> None:
        shape = (count, self._classes)
        self._conf.reshape(shape, shape[:1] if self._softmax else shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        priors, variances = bottom[2].data.reshape(2, -1, 4)
        if self.param.multibox_loss_param.code_type != CORNER and (bad := first_empty(priors)) >= 0:
            self.fail(DataError, f"prior box {bad} of {self.param.bottom[2]!r} has no size: {priors[bad].tolist()}")
        batch = Batch(bottom[0].data.reshape(self._view), bottom[1].data.reshape(-1, self._classes), priors, variances,
                      self._objects(bottom[3].data))
        self._matcher.find(batch)
        matches = self._matcher.rows.shape[1]
        self._loc.reshape((1, 4 * matches), (1, 4 * matches))
        self._matcher.encode(batch, *(blob.data.reshape(-1, 4) for blob in (self._loc.prediction, self._loc.target)))
        self._loc.forward()
        self._set_confidences(batch.conf)
        self._conf.forward()
        self._divisor = normalizer(self._mode, self._view[0], self._view[1], matches)
        counts = self.param.propagate_down
        top[0].data[...] = (self._loc.value * counts[0] + self._conf.value * counts[1]) / self._divisor

    def _objects(self, label: Array) -> Objects:
        param = self.param.multibox_loss_param
        try:
            objects = read_objects(label.reshape(-1, 8), self._view[0], self._background, param.use_difficult_gt)
        except CaffeError as error:
            self.fail(type(error), f"{self.param.bottom[3]!r}: {error}")
        if param.map_object_to_agnostic:
            objects.labels[:] = self._background + 1
        bad = np.flatnonzero((objects.labels < 0) | (objects.labels >= self._classes))
        if bad.size:
            self.fail(DataError, f"an object of {self.param.bottom[3]!r} has label {objects.labels[bad[0]]}, none of "
                      f"the {self._classes} classes 0 to {self._classes - 1}; does num_classes fit the data?")
        return objects

    def _set_confidences(self, conf: Array) -> None:
        counted, labels = self._matcher.counted, self._matcher.labels
        if self._mines:
            self._reshape_confidences(len(counted))
            np.take(conf, counted, axis=0, out=self._conf.prediction.data, mode="clip")
            counted = np.arange(len(counted))
        target = self._conf.target.data
        target.fill(self._background)
        if self._softmax:
            target[counted] = labels
        else:
            target[counted, labels] = 1

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        for index in (2, 3):
            self.refuse_labels(propagate_down, index)
        factor = float(top[0].diff) / self._divisor
        if propagate_down[0]:
            self._loc.backward(factor)
            image, place, box, _ = self._matcher.rows
            bottom[0].diff.fill(0)
            bottom[0].diff.reshape(self._view)[image, box, place] = self._loc.prediction.diff.reshape(-1, 4)
        if propagate_down[1]:
            self._conf.backward(factor)
            if self._mines:
                bottom[1].diff.fill(0)
                bottom[1].diff.reshape(-1, self._classes)[self._matcher.counted] = self._conf.prediction.diff
