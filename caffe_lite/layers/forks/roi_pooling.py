"""ROIPooling: every region pooled to one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import DataError, ParameterError, ShapeError
from caffe_lite.kernels.roi_pooling import first_bad_region, roi_pool, roi_pool_back
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.parallel import parallel_for


@register("ROIPooling")
class ROIPoolingLayer(Layer):
    """The largest element in each of ``pooled_h`` by ``pooled_w`` bins of a region.

    Bottoms: a map, ``(num, channels, height, width)``, and the regions, ``(regions, 5)``: the image's number in the
    batch, x1, y1, x2 and y2, in pixels of an image of which the map is ``spatial_scale`` as large; both ends are
    inside. Top: ``(regions, channels, pooled_h, pooled_w)``. A bin without elements is 0.

    Source: Fast R-CNN's roi_pooling_layer.cpp and .cu; Girshick, "Fast R-CNN", 2015.

    Raises:
        DataError: in ``forward``, when a region is of an image that is not in the batch.
    """

    bottoms = (2, 2)

    def allow_force_backward(self, index: int) -> bool:
        return index == 0

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.roi_pooling_param
        if not param.pooled_h or not param.pooled_w:
            self.fail(ParameterError, "pooled_h and pooled_w must be 1 or more; set roi_pooling_param { pooled_h: ... "
                      "pooled_w: ... }")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param, names = self.param.roi_pooling_param, self.param.bottom
        shape, regions = bottom[0].shape, bottom[1].shape
        if len(shape) != 4:
            self.fail(ShapeError, f"bottom {names[0]!r} must have 4 axes (num, channels, height, width), found shape "
                      f"{shape}")
        if not regions or bottom[1].count != 5 * regions[0]:
            self.fail(ShapeError, f"bottom {names[1]!r} must hold 5 numbers for each region (image, x1, y1, x2, y2), "
                      f"found shape {regions}")
        top[0].reshape((regions[0], shape[1], param.pooled_h, param.pooled_w))
        self._mask = np.empty(top[0].shape, np.int32)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, regions = bottom[0].data, bottom[1].data.reshape(-1, 5)
        bad = first_bad_region(regions, len(x))
        if bad >= 0:
            self.fail(DataError, f"region {bad} of {self.param.bottom[1]!r} is of image {regions[bad, 0]:g}, but the "
                      f"batch {self.param.bottom[0]!r} has the images 0 to {len(x) - 1}")
        scale = self.context.dtype(self.param.roi_pooling_param.spatial_scale)
        parallel_for(roi_pool, len(regions), x, regions, scale, top[0].data, self._mask)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            scale = self.context.dtype(self.param.roi_pooling_param.spatial_scale)
            regions = bottom[1].data.reshape(-1, 5)
            parallel_for(roi_pool_back, bottom[0].shape[1], top[0].diff, self._mask, regions, scale, bottom[0].diff)
        if propagate_down[1]:
            bottom[1].diff.fill(0)
