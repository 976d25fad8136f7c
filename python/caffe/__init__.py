"""pycaffe: what ``import caffe`` gives, thin over caffe_lite."""

from caffe_lite.schema import TEST, TRAIN

from .python_layer import Layer

__all__ = ["TEST", "TRAIN", "Layer"]
