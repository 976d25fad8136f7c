"""The net: layers wired to blobs, parameters shared by name, forward and backward."""

from caffe_lite.net.net import Net

__all__ = ["Net"]
