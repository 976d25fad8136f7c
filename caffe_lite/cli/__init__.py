"""The command ``caffe_lite``: thin, over ``caffe_lite.commands``.

Importing this imports neither numpy nor numba nor protobuf: ``caffe_lite --help`` answers at once.
"""

from caffe_lite.cli.dispatch import main

__all__ = ["main"]
