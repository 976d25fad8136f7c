"""caffe_lite: Caffe without Caffe."""

from caffe_lite.version import __version__

__all__ = ["__version__"]
