"""Files that a net's layers name, and that are not there."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib.machinery import PathFinder

from caffe_lite.check.finding import ERROR, Finding
from caffe_lite.check.net import Built
from caffe_lite.files import locate

_FIELDS = (
    ("data_param", "source"), ("image_data_param", "source"), ("hdf5_data_param", "source"),
    ("window_data_param", "source"), ("transform_param", "mean_file"), ("infogain_loss_param", "source"),
)
_MAKERS = {"data_param": "; the commands convert_mnist_data, convert_imageset, ... make databases",
           "mean_file": "; the command compute_image_mean makes one"}


def report_missing_files(built: Built) -> None:
    """An error for each file or database that a layer of the net would read and that is not there."""
    document, silent = built.document, set()
    for layer, way in zip(built.wired.net.layer, built.wired.ways, strict=True):
        for owner, name in _FIELDS:
            param = getattr(layer, owner)
            path = getattr(param, name)
            if way is None or not path or os.path.exists(locate(path, document.path)):
                continue
            if owner == "infogain_loss_param" and len(layer.bottom) > 2:
                continue
            offset = document.offset((*way, (owner, 0), (name, 0)))
            remedy = missing_remedy(path) + _MAKERS.get(name, _MAKERS.get(owner, ""))
            built.findings.append(Finding(ERROR, "path", f"layer {layer.name!r} ({layer.type}): {name} {path!r} does "
                                          "not exist", remedy, document.source, offset, layer.name))
            silent.add(layer.name)
    built.findings[:] = [finding for finding in built.findings
                         if finding.layer not in silent or finding.code not in ("data", "dependency", "setup")]


def report_missing_modules(built: Built) -> None:
    """An error for each Python layer whose module is not there; nobody's code is run to find out."""
    document = built.document
    folders = [os.getcwd(), *sys.path, os.path.dirname(os.path.abspath(document.path))]
    for layer, way in zip(built.wired.net.layer, built.wired.ways, strict=True):
        python = layer.python_param
        if layer.type != "Python" or way is None:
            continue
        if not python.module or not python.layer:
            code, text = "parameter", "python_param needs a module and a layer, the name of a class in it"
            remedy = "give both"
        elif python.module.partition(".")[0] in sys.modules or _is_module(python.module, folders):
            continue
        else:
            code, text = "path", f"there is no Python module {python.module!r}"
            remedy = "put it in the working folder, beside the prototxt, or on PYTHONPATH"
        offset = document.offset((*way, ("python_param", 0), ("module", 0)))
        built.findings.append(Finding(ERROR, code, f"layer {layer.name!r} (Python): {text}", remedy, document.source,
                                      offset, layer.name))


def _is_module(name: str, folders: list[str]) -> bool:
    return PathFinder.find_spec(name.partition(".")[0], folders) is not None


def missing_remedy(path: str) -> str:
    """What to do about a path that leads nowhere."""
    folder = os.path.dirname(path) or "."
    names = os.listdir(folder) if os.path.isdir(folder) else []
    close = get_close_matches(os.path.basename(path), names, 1)
    if close:
        return f"did you mean {os.path.join(os.path.dirname(path), close[0])!r}?"
    return f"make it, or correct the path, which counts from the working folder {os.getcwd()}"
