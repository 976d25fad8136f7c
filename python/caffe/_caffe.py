"""The compiled half of pycaffe."""

from caffe_lite.binding import *  # noqa: F403
from caffe_lite.binding import __version__ as __version__
