"""The layers, one a file, and the registry that knows them by name.

Importing this package imports every module in it, and with it registers every layer.
"""

from importlib import import_module
from pkgutil import iter_modules

from caffe_lite.layers.base import Context, Layer
from caffe_lite.layers.registry import known_types, layer_class, register

__all__ = ["Context", "Layer", "known_types", "layer_class", "register"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
