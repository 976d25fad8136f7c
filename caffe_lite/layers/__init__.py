"""The layers, one a file, and the registry that knows them by name.

Importing this package imports every module in it, and with it registers every layer: Caffe's here, those of its forks
in ``forks``.
"""

from importlib import import_module
from pkgutil import walk_packages

from caffe_lite.layers.base import Context, Layer
from caffe_lite.layers.registry import known_types, layer_class, register

__all__ = ["Context", "Layer", "known_types", "layer_class", "register"]

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)
